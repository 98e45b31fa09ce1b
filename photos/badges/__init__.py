"""Badges: guests are given photos without a face, by a code on their phone or by the hand of staff."""
