"""Photos with faces that are not stored, which are searched again for guests who came later."""
