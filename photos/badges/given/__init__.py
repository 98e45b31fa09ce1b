"""Photos that are given to guests without a face."""
