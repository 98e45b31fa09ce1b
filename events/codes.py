"""Event codes: drawn from a cryptographic source, without characters that look alike."""

import secrets

# No 0 O, 1 I L: they are read aloud, copied from a poster and typed in the dark.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH = 8


def new_code() -> str:
    """Return a random code of 8 characters: 31^8, about 8.5e11 possibilities."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
