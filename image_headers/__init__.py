"""Judges image files from their headers, in Python alone: no decoder, no native parser sees a byte.

Every reader takes a time and a memory that grow with the file and have a small bound; none copies the file.
"""
