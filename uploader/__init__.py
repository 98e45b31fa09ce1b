"""Sends a folder of photos to an event from a photographer's own computer.

It needs only Python's standard library and imports nothing of the service.
"""
