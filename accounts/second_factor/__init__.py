"""The second factor of staff accounts."""
