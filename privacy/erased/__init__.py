"""What is in a restored database and was erased."""
