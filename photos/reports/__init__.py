"""Reports of photos: what guests and visitors of links ask staff to look at."""
