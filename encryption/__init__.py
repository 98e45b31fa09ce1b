"""Encryption at rest of templates and portraits: master key, key store, and what is encrypted with which key.

Each event and each portrait has a data key of its own (AES-256), outside the database in a key store, encrypted with
the master key. What is destroyed there cannot be read any more in a backup of database and storage either.
"""
