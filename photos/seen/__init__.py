"""The number of photos that an account may see, and the faces of one photo."""
