"""Python programs that start quickly, for tests that start dozens: 0.1 s of processor time instead of 0.6.

Most of a start is the import of packages. One process per test process imports them once;
each program is a fork of it that runs its module or script from the beginning, with its own arguments, environment,
working directory and output. The project's own modules are never imported beforehand.

The fork has a parent that waits for it and reports its exit status through a pipe: the program is a process of its
own, which can be sent every signal.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# None of them starts a thread, which a fork would lack; prometheus_client reads the environment when it is imported.
PACKAGES = (
    "alembic.command",
    "bcrypt",
    "cv2",
    "email_validator",
    "fastapi",
    "gunicorn.app.wsgiapp",
    "jinja2",
    "jwt",
    "obstore",
    "pillow_heif",
    "psycopg",
    "pwdlib.hashers.argon2",
    "pydantic_settings",
    "rjsmin",
    "segno",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
    "uvicorn_worker",
)
MESSAGE_BYTES = 1 << 20


class WarmProcess:
    """A running program, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], output: int, errors: int) -> None:
        """Start `python ARGUMENTS` in the project's folder, with these descriptors for output and errors."""
        read, write = os.pipe()
        try:
            message = json.dumps([list(arguments), dict(env)]).encode()
            socket.send_fds(_start_forks()[0], [message], [output, errors, write])
        finally:
            os.close(write)
        self._status = os.fdopen(read, buffering=1)
        self.args = list(arguments)
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status; -N after signal N.

        Raises:
            subprocess.TimeoutExpired: the program still runs after `timeout` seconds.
        """
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._status.readline())
            self._status.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit status, or None while the program runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send a signal to the program if it still runs."""
        # A program that has ended is reaped a moment before its status can be read.
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL to the program if it still runs."""
        self.send_signal(signal.SIGKILL)


def run(
    arguments: Sequence[str], *, env: Mapping[str, str], timeout: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run `python ARGUMENTS` in the project's folder to its end; return its status and output.

    Raises:
        subprocess.TimeoutExpired: the program still ran after `timeout` seconds; it was killed.
    """
    return run_together([arguments], env=env, timeout=timeout)[0]


def run_together(
    programs: Sequence[Sequence[str]], *, env: Mapping[str, str], timeout: float = 60
) -> list["subprocess.CompletedProcess[str]"]:
    """Start `python ARGUMENTS` for each of `programs` at once, and return status and output of each at its end.

    Raises:
        subprocess.TimeoutExpired: a program still ran after `timeout` seconds; it was killed.
    """
    with ExitStack() as files:
        started = []
        for arguments in programs:
            output, errors = (files.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2))
            process = WarmProcess(arguments, env, output.fileno(), errors.fileno())
            files.callback(process.kill)
            started.append((process, output, errors))
        done = []
        for process, *written in started:
            status = process.wait(timeout)
            texts = []
            for file in written:
                file.seek(0)
                texts.append(file.read())
            done.append(subprocess.CompletedProcess(process.args, status, *texts))
        return done


@lru_cache
def _start_forks() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """Start the process that forks; return the socket to it, whose end is its end, and the process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "testkit.warm", str(theirs.fileno())]
    # One thread: what a thread of the parent holds, a fork would never get back.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
    theirs.close()
    return ours, process


def _serve(control: socket.socket) -> list[str]:
    """Fork for each message; return, in the fork alone, the arguments of its program."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The kernel collects the processes that wait for the programs.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 3)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            output, errors, status = descriptors
            program = os.fork()
            if program == 0:
                os.close(status)
                os.dup2(output, 1)
                os.dup2(errors, 2)
                os.close(output)
                if errors != output:
                    os.close(errors)
                arguments, environment = json.loads(message)
                os.environ.clear()
                os.environ.update(environment)
                return list(arguments)
            os.close(output)
            if errors != output:
                os.close(errors)
            os.write(status, f"{program}\n".encode())
            _, ended = os.waitpid(program, 0)
            os.write(status, f"{os.waitstatus_to_exitcode(ended)}\n".encode())
            os._exit(0)
        for each in descriptors:
            os.close(each)


def _become(arguments: list[str]) -> None:
    """Run a program as the interpreter would: `-m MODULE …` or `SCRIPT …`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path[0] = str(ROOT)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    for package in PACKAGES:
        import_module(package)
    # The garbage collector must not touch, and so copy, the memory that the forks share.
    gc.collect()
    gc.freeze()
    # Called here so that the interpreter handles exceptions and the end of the program as those of any other.
    _become(_serve(socket.socket(fileno=int(sys.argv[1]))))
