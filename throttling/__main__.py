"""`python -m throttling clear` forgets every count, so that nobody waits any more."""

import sys

from limits.errors import StorageError

from throttling.counters import counters


def main() -> int:
    """Run the command line; return the exit status."""
    if sys.argv[1:] != ["clear"]:
        print("usage: python -m throttling clear", file=sys.stderr)
        return 2
    try:
        print(f"{counters().reset()} counts forgotten.")
    except StorageError as error:
        print(f"The counts cannot be reached: {error.storage_error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
