"""Profiles of children, each held by a guest who consents for the child."""
