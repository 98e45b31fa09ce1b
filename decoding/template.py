"""The process that children are forks of: `python -m decoding.template DESCRIPTOR`.

It has imported everything, has one thread and opens no picture. So a fork of it takes milliseconds and is safe, which
a fork of the process that serves, with its threads, would not be. When that process is gone, it ends, and so do its
children.
"""

import gc
import json
import os
import signal
import socket
import sys
from typing import Any

import images
import storage
from decoding import child, wire
from faces.providers import import_engine
from settings import get_settings
from tracing import set_up_logging

MESSAGE_BYTES = 1 << 17
# Imported here, as the engine in `main`, so that the forks share them.
SHARED = (images, storage)


def main() -> None:
    """Fork and end children as the messages on the socket with that descriptor say."""
    child.ignore_signals()
    control = socket.socket(fileno=int(sys.argv[1]))
    import_engine(get_settings().face_recognizer_provider)
    # The collector must not touch, and so copy, the memory that the forks share.
    gc.collect()
    gc.freeze()
    forks = set[int]()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 1)
        if not message:
            return
        asked: dict[str, Any] = json.loads(message)
        if "end" in asked:
            answer = _ended(forks, asked["end"])
        else:
            answer = _fork(control, asked, descriptors[0])
            forks.add(answer)
        control.send(str(answer).encode())


def _ended(forks: set[int], pid: int) -> int:
    """Kill a child if it still runs, and return its exit status; -N after signal N."""
    if pid not in forks:
        return 0
    forks.remove(pid)
    # It is this process's to collect, so the number is still its own.
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _fork(control: socket.socket, asked: dict[str, Any], descriptor: int) -> int:
    template = os.getpid()
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    status = 1
    try:
        child.end_with_parent(template)
        control.close()
        os.environ.clear()
        os.environ.update(asked["environment"])
        get_settings.cache_clear()
        set_up_logging(structured=get_settings().logs_json)
        child.set_up(asked["niceness"])
        child.serve(socket.socket(fileno=descriptor), asked["memory"])
        status = 0
    except wire.Garbled:
        pass
    finally:
        # Not the interpreter's end: native threads of the engine could hold it up.
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
