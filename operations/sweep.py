"""The command that moved: `python -m jobs.sweep`."""

import sys

if __name__ == "__main__":
    sys.exit("This command is now: python -m jobs.sweep [--grace SECONDS]")
