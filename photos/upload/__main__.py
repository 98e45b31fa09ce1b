"""Tell where the uploader is now."""

import sys

if __name__ == "__main__":
    sys.exit("This command is now: python -m uploader DIR --event CODE --server URL --user NAME [--watch]")
