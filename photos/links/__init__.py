"""Links with which people without an account see photos that a guest has chosen."""
