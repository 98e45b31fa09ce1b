"""Measures the recognisers on a folder of photos with known answers."""
