"""The processes that decode, as seen by the process that serves: the template, and its forks."""

import json
import logging
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import lru_cache
from typing import Any

from decoding import wire
from decoding.decoder import ChildDied, OutOfMemory, Overran
from decoding.task_types import Answer, Values
from faces.engine import EngineUnavailable
from settings import ROOT, Settings, get_settings
from telemetry import storage_calls

log = logging.getLogger("reperio.decoding")
# For a fork, on a machine that swaps; it takes milliseconds.
FORK_SECONDS = 20.0


def environment_for(settings: Settings) -> dict[str, str]:
    """Return the environment of the children: of the settings only what they need, and none of the secrets."""
    ours = {name.upper() for name in Settings.model_fields}
    # Those of traces hold the key to a collector; what a child does, its process records.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in ours and not name.upper().startswith("OTEL_")
    }
    return kept | {
        "STORAGE_URL": settings.storage_url,
        "FACE_RECOGNIZER_PROVIDER": settings.face_recognizer_provider,
        # Children never ask Azure; their settings only have to be complete.
        "AZURE_FACE_ENDPOINT": settings.azure_face_endpoint,
        "AZURE_FACE_KEY": "not-told-to-children" if settings.azure_face_key else "",
        "DETECTION_LONG_SIDE": str(settings.detection_long_side or ""),
        "LOG_FORMAT": "json" if settings.logs_json else "text",
        # They sign nothing; without a key, they would look for the one of this installation.
        "SECRET_KEY": secrets.token_hex(32),
        # One thread each: a second one gains nothing beside the other processes, and a fork would lack it.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


class Child:
    """A fork of the template, for one thread at a time."""

    def __init__(self, template: "Template", pid: int, connection: socket.socket) -> None:
        self._template, self.pid, self._connection = template, pid, connection
        self._ended = False
        # Bytes of memory that it took after its last task, and that it had reserved beside them.
        self.resident = self.untouched = 0
        # Whether it has its engine.
        self.is_loaded = False

    def do(self, task: str, arguments: Values, data: bytes, *, pixels: int, seconds: float) -> Answer:
        """Do a task within `seconds` and return its answer, or raise its error.

        Raises:
            Overran, ChildDied, OutOfMemory: the child is gone then.
        """
        asked = {"task": task, "arguments": arguments, "pixels": pixels}
        until, answered = time.monotonic() + seconds, False
        try:
            wire.send(self._connection, asked, data, until)
            told, packed = wire.receive(self._connection, until)
            self.resident, self.untouched = int(told.pop("resident", 0)), int(told.pop("untouched", 0))
            storage_calls.record_collected(told.pop("storage_calls", None))
            answered = told.get("error") != OutOfMemory.__name__
        except TimeoutError as error:
            raise Overran(f"decoding was not over after {seconds:.0f} s") from error
        except wire.Garbled as error:
            raise ChildDied(f"it answered {error}") from error
        except (wire.Ended, OSError, TypeError, ValueError) as error:
            raise ChildDied(self._cause()) from error
        finally:
            if not answered:
                self.end()
        return wire.answer_of(told, packed)

    def is_alive(self) -> bool:
        """Return whether the process waits for a task: it has neither ended nor sent anything unasked."""
        watched = select.poll()
        watched.register(self._connection, select.POLLIN)
        return not watched.poll(0)

    def kill(self) -> int:
        """Kill the process if it still runs, also during a task; return its exit status, -N after signal N."""
        return self._template.end(self.pid)

    def end(self) -> int:
        """Kill the process and give up the connection; return its exit status; 0 if it has been ended before."""
        if self._ended:
            return 0
        self._ended = True
        self._connection.close()
        return self.kill()

    @property
    def has_ended(self) -> bool:
        """Whether this child can do no further task."""
        return self._ended

    def _cause(self) -> str:
        status = self.end()
        return signal.Signals(-status).name if status < 0 else f"status {status}"


class Template:
    """The process that children are forks of. It starts at the first use, and again if it died."""

    def __init__(self, environment: dict[str, str]) -> None:
        """`environment` is that of the template; each child has its own."""
        self._environment = environment
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, environment: dict[str, str], *, niceness: int, memory: int) -> Child:
        """Return a new child that may use `memory` bytes of data.

        Raises:
            EngineUnavailable: no process can be started.
        """
        ours, theirs = socket.socketpair()
        asked = {"environment": environment, "niceness": niceness, "memory": memory}
        with self._lock, theirs:
            try:
                pid = self._told(asked, [theirs.fileno()])
            except OSError as error:
                ours.close()
                self._stop()
                raise EngineUnavailable(f"no decoding process can be started: {error}") from error
        return Child(self, pid, ours)

    def end(self, pid: int) -> int:
        """Kill a child if it still runs; return its exit status, -N after signal N; 0 if it was collected before."""
        with self._lock:
            if self._control is None:
                return -signal.SIGKILL
            try:
                return self._told({"end": pid}, [])
            except OSError:
                # With the template, all its children are gone.
                self._stop()
                return -signal.SIGKILL

    def close(self) -> None:
        """End the template and all its children."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """The id of the template's process, or None if it does not run."""
        return self._process.pid if self._process else None

    def _told(self, message: dict[str, Any], descriptors: list[int]) -> int:
        control = self._control or self._start()
        socket.send_fds(control, [json.dumps(message).encode()], descriptors)
        answer = control.recv(64)
        if not answer:
            raise ConnectionError("the template has ended")
        return int(answer)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "decoding.template", str(theirs.fileno())]
        with theirs:
            # No descriptor but this one is inherited: not the socket that listens.
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        ours.settimeout(FORK_SECONDS)
        self._control = ours
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


@lru_cache
def shared_template() -> Template:
    """Return the template of this process."""
    return Template(environment_for(get_settings()))
