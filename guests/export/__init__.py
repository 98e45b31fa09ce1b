"""Everything that is held about one account, as a ZIP for its owner."""
