"""What the database records about the files in storage: whose storage it is, and which files are being erased."""
