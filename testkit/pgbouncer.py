"""A real PgBouncer in transaction mode before a PostgreSQL server of the tests."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from testkit.servers import free_port, wait_until

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
START_SECONDS = 20.0
CONFIGURATION = """
[databases]
* = host={socket}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 500
logfile = {folder}/pgbouncer.log
"""


def is_installed() -> bool:
    """Return whether the program is there (Debian's package `pgbouncer`)."""
    return Path(PROGRAM).is_file()


@contextmanager
def pooled(folder: Path, database_url: str, *, size: int) -> Iterator[str]:
    """Yields the address of the same database through a pooler that lends `size` connections for transactions."""
    url, port = make_url(database_url), free_port()
    folder.mkdir()
    (folder / "users").write_text('"postgres" ""\n')
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(socket=url.query["host"], port=port, folder=folder, size=size))
    command = [PROGRAM, str(configuration)]
    if os.geteuid() == 0:
        # It refuses to run as root; the socket belongs to the user of the server.
        owner = pwd.getpwuid(Path(str(url.query["host"])).stat().st_uid)
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        for path in folder.parents:
            if path.stat().st_uid == 0 and path.parent != path:
                path.chmod(path.stat().st_mode | 0o011)
        command += ["-u", owner.pw_name]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"postgresql://postgres@127.0.0.1:{port}/{url.database}"

    def answers() -> bool:
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_until(answers, START_SECONDS, "PgBouncer")
        yield address
    finally:
        process.terminate()
        process.wait(10)
