"""Import of the predecessor's data: its database and files are only read."""
