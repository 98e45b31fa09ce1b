"""Decodes the pictures of strangers, in child processes that can be killed; finds and embeds the faces there."""
