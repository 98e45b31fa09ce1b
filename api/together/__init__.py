"""Calls of guests who look at photos together."""
