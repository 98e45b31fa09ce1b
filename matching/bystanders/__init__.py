"""Faces that are no guest's: which are stored, how many are not, and the erasure of those whose time is over."""
