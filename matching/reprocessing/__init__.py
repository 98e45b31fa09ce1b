"""Records the faces that were found anew in a photo, and keeps what guests said about the old ones."""
