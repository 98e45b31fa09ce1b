"""Copies of pictures without what cameras, phones and software note in them; the coded picture stays bit for bit.

The files are strangers' and are read in Python alone, forward, in bounded memory. Nothing is written: the result is a
plan (`stripping/plan.py`) of which bytes of the file a copy has, and of the few that stand in place of others.
"""
