"""The child process for a job whose process died in an earlier attempt: `python -m jobs.child KIND ID ATTEMPT`."""

import ctypes
import signal
import sys

from faces.providers import make_engine
from jobs.work import run_child
from settings import get_settings

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Do the job that the command line names. Ends with its parent, which extends the job's lease."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    kind, row_id, number = sys.argv[1:4]
    run_child(kind, int(row_id), int(number), make_engine(get_settings()))


if __name__ == "__main__":
    main()
