"""The process of its own in which a job is done whose process died before: `python -m jobs.child KIND ID ATTEMPT`."""

import ctypes
import signal
import sys

from faces.providers import make_engine
from jobs.work import run_child
from settings import get_settings

PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Do the job the command line names. When the parent dies, this ends too: nobody would extend the lease."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    kind, row_id, number = sys.argv[1:4]
    run_child(kind, int(row_id), int(number), make_engine(get_settings()))


if __name__ == "__main__":
    main()
