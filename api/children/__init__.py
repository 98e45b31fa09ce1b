"""Profiles of children that a guest holds."""
