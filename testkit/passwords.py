"""The password of every account in tests and benches: long and rare enough for staff."""

PASSWORD = "violet otters knit umbrellas"
OTHER_PASSWORD = "seven kites over granite"
