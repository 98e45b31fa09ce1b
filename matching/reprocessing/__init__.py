"""Records the faces that were found again in a photo, and keeps what guests said about the old ones."""
