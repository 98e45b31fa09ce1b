"""Hosts made of network namespaces on one bridge, each with an address of its own; their links can be cut."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from testkit.servers import BenchError


def unavailable() -> str | None:
    """Return why this machine cannot make hosts of network namespaces, or None if it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the program ip (iproute2) is not installed"
    name = f"probe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"ip netns add: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return None


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Host:
    """A namespace with an address; `prefix` is what a command begins with to run there."""

    def __init__(self, namespace: str, link: str, address: str) -> None:
        self.address, self.prefix = address, ["ip", "netns", "exec", namespace]
        self._namespace, self._link = namespace, link

    def cut(self) -> None:
        """Cut the link: nothing arrives any more, and nothing says so."""
        _ip("link", "set", self._link, "down")

    def join(self) -> None:
        """Give the link back."""
        _ip("link", "set", self._link, "up")


class Network:
    """A bridge; this process has the first address on it."""

    def __init__(self) -> None:
        self._number = os.getpid() % 10_000
        self._bridge, self._net = f"rb{self._number}", f"10.213.{self._number % 250}"
        self._namespaces = list[str]()

    def begin(self) -> None:
        """Make the bridge."""
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("address", "add", f"{self._net}.1/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")

    def host(self) -> Host:
        """Return a new host."""
        place = len(self._namespaces) + 2
        namespace, link = f"rn{self._number}-{place}", f"rv{self._number}-{place}"
        _ip("netns", "add", namespace)
        self._namespaces.append(namespace)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("link", "set", link, "master", self._bridge, "up")
        address = f"{self._net}.{place}"
        for command in (
            ("address", "add", f"{address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-netns", namespace, *command)
        return Host(namespace, link, address)

    def end(self) -> None:
        """Remove everything; the processes in the namespaces have ended."""
        for namespace in self._namespaces:
            subprocess.run(["ip", "netns", "delete", namespace], check=False)
        subprocess.run(["ip", "link", "delete", self._bridge], check=False)


@contextmanager
def network() -> Iterator[Network]:
    """Yields a network, which is removed at the end.

    Raises:
        BenchError: see `unavailable`.
    """
    made = Network()
    try:
        made.begin()
        yield made
    finally:
        made.end()
