"""Calls about links to photos for people without an account."""
