"""The faces of guests who erased their account: deleted, and never stored again at their places."""
