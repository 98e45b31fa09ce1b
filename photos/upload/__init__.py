"""The command that moved: `python -m uploader`."""
