"""What guests download of originals: a copy without metadata, or a JPEG where the original cannot be stripped."""
