"""Turns the colours of a picture into sRGB, from what its file says they are.

Profiles are strangers' bytes, and LittleCMS and zlib are native code: the service calls this in child processes only.
"""
