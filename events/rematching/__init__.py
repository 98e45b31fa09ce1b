"""The matching of an event's guests, queued again."""
