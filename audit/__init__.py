"""The audit log: who did what. It names people by pseudonyms, whose link to an account is erased with the account."""
