"""Sends a folder of photos to an event from a photographer's own computer.

It stands on Python alone: no package to install, and nothing of the service is imported.
"""
