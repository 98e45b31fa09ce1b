"""Photos as rows: found by checksum or name, locked, queued again, deleted, counted."""
