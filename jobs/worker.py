"""`python -m jobs.worker` runs a worker machine: the background jobs, and `/livez`, `/readyz` and `/metrics` on PORT.

It is the service itself with `ROLE=worker`, under Gunicorn, which starts GUNICORN_WORKERS processes, replaces those
that die, and lets them put their jobs back at SIGTERM.
"""

import os
import sys


def main() -> None:
    """Become Gunicorn with `ROLE=worker`; end with status 1 if the environment names another role."""
    role = os.environ.get("ROLE", "").strip()
    if len(sys.argv) > 1:
        sys.exit("usage: python -m jobs.worker (it takes its settings from the environment)")
    if role not in ("", "worker"):
        sys.exit(f"Reperio cannot start: python -m jobs.worker is ROLE=worker, and the environment has ROLE={role}.")
    command = [sys.executable, "-m", "gunicorn", "main:app", "-c", "gunicorn_config.py"]
    os.execve(command[0], command, {**os.environ, "ROLE": "worker"})  # noqa: S606 - our own command, no shell


if __name__ == "__main__":
    main()
