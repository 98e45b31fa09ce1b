"""Photos in two forms: the RAW file of a camera beside its JPEG, or with the JPEG preview that lies in it."""
