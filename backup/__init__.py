"""Backups of database and storage, taken while the service runs, and their way back."""
