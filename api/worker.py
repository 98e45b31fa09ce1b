"""Gunicorn's worker of this service."""

import resource
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from api.connections import Connection

# Each connection is a file descriptor, and each file of an upload.
DESCRIPTORS = 65_536


# The package of the base class has no types.
class Worker(UvicornWorker):  # type: ignore[misc]
    """Uvicorn's worker with our connections, and without WebSockets, which the service does not use."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",
        "http": Connection,
        "ws": "none",
        "server_header": False,
    }

    def init_process(self) -> None:
        """Run the worker; it may open DESCRIPTORS files, or as many as the system allows it."""
        given, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if given != resource.RLIM_INFINITY and given < DESCRIPTORS:
            wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, DESCRIPTORS)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        super().init_process()
