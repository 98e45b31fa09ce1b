"""An event played as docs/deploy.md sets it up: PostgreSQL, S3, and the shipped proxy with TLS in front.

Skips where Caddy or moto is not installed.
"""

import importlib.util
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import obstore
import pytest

from bench.backup import command
from bench.demo import play
from settings import get_settings
from testkit.deployed import SocketLauncher, caddy_program, make_bucket, proxy, s3_server
from testkit.postgres import PostgresServer
from testkit.sample_pictures import default_pictures
from testkit.servers import TLS, Api, Launcher, Server, free_port
from tests.conftest import run_folder

pytestmark = [
    pytest.mark.long,
    pytest.mark.server,
    pytest.mark.timeout(600),
    pytest.mark.skipif(caddy_program() is None, reason="caddy is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("moto") is None, reason="moto is not installed"),
]


@dataclass
class Stack:
    """The service behind its proxy. `server` is what people reach."""

    launcher: SocketLauncher
    server: Server
    postgres: PostgresServer
    s3: dict[str, str]
    folder: Path


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("deployed")
    postgres = PostgresServer(run_folder() / "deployed-pg")
    postgres.start()
    with s3_server(folder) as s3:
        make_bucket(s3, "reperio")
        port = free_port()
        settings = {
            "APP_ENV": "production",
            "PUBLIC_URL": f"https://localhost:{port}",
            "STORAGE_URL": "s3://reperio",
            **s3,
        }
        launcher = SocketLauncher(folder, postgres.new_database(), **settings)
        try:
            server = launcher.start()
            with proxy(folder, launcher.url.removeprefix("http://"), port) as address:
                yield Stack(launcher, replace(server, url=address), postgres, s3, folder)
        finally:
            launcher.close()
            postgres.stop()


def keys(stack: Stack, bucket: str) -> set[str]:
    """Return the keys in a bucket."""
    config = {name.lower().removeprefix("aws_"): value for name, value in stack.s3.items()}
    store = obstore.store.from_url(
        f"s3://{bucket}",
        endpoint=config["endpoint_url"],
        region=config["region"],
        access_key_id="any",
        secret_access_key="any",
        client_options={"allow_http": True},
    )
    return {str(each["path"]) for batch in obstore.list(store) for each in batch}


def test_guests_find_their_photos_through_the_proxy(stack: Stack, tmp_path: Path) -> None:
    pictures = default_pictures(tmp_path)
    report = play(stack.server, pictures, 1)
    (event,) = report.events
    assert event.rejected == []
    assert event.precision(report.truth or {}) == 1.0
    assert event.recall(report.truth or {}) > 0.7
    originals = [key for key in keys(stack, "reperio") if "/original/" in key]
    assert len(originals) == len(pictures.photos)


def test_the_browser_gets_the_page_and_a_cookie_for_tls_alone(stack: Stack) -> None:
    page = httpx2.get(f"{stack.server.url}/", verify=TLS)
    assert page.status_code == 200
    assert page.headers["content-encoding"] == "gzip"
    assert "server" not in page.headers
    assert page.headers["strict-transport-security"]
    login = httpx2.get(f"{stack.server.url}/login", verify=TLS).headers.get_list("set-cookie")
    assert login, "the page of the login sets the cookie against forged forms"
    assert all(each.startswith("__Host-") and "secure" in each.lower() for each in login)


def test_what_is_too_large_is_refused_in_the_services_words(stack: Stack) -> None:
    limit = get_settings().max_selfie_bytes
    body = {"file": ("s.jpg", b"\xff\xd8" + bytes(limit + 1), "image/jpeg")}
    answer = httpx2.post(f"{stack.server.url}/api/validate-selfie", files=body, verify=TLS, timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (400, "ImageTooLarge")
    # Declared and over the limit of the service: it answers before anything is read.
    far_too_large = {"file": ("s.jpg", b"\xff\xd8" + bytes(limit * 3), "image/jpeg")}
    answer = httpx2.post(f"{stack.server.url}/api/validate-selfie", files=far_too_large, verify=TLS, timeout=60)
    assert answer.status_code == 413
    assert "error" in answer.json()


def test_metrics_are_not_for_everybody_behind_the_proxy(stack: Stack) -> None:
    assert httpx2.get(f"{stack.server.url}/metrics", verify=TLS).status_code in (401, 403)


def test_requests_wait_while_the_service_restarts(stack: Stack) -> None:
    over, answers, waits = threading.Event(), list[int](), list[float]()

    def ask() -> None:
        while not over.is_set():
            began = time.monotonic()
            # A connection for each, as new guests have.
            answer = httpx2.post(
                f"{stack.server.url}/api/check-event-code", json={"event_code": "x"}, verify=TLS, timeout=90
            )
            answers.append(answer.status_code)
            waits.append(time.monotonic() - began)

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for each in asking:
        each.start()
    try:
        stack.launcher.stop()
        stack.launcher.start()
    finally:
        over.set()
        for each in asking:
            each.join()
    # The proxy keeps one idle connection for each of the four. A request that it sends on one that the service closes
    # at that very moment cannot be repeated.
    failed = [answer for answer in answers if answer != 200]
    assert len(failed) <= len(asking), f"{len(failed)} of {len(answers)} failed: {set(failed)}"
    # pytest -s shows it.
    sys.stdout.write(
        f"restart: {len(answers)} requests, {len(failed)} failed; the longest waited {max(waits):.1f} s\n"
    )


def test_a_backup_of_postgresql_and_s3_comes_back(stack: Stack, tmp_path: Path) -> None:
    make_bucket(stack.s3, "restored")
    command(stack.launcher, "take", tmp_path / "backup")
    settings = {"APP_ENV": "production", "PUBLIC_URL": stack.server.url, "STORAGE_URL": "s3://restored", **stack.s3}
    key = stack.launcher.environment["SECRET_KEY"]
    other = Launcher(tmp_path, stack.postgres.new_database(), SECRET_KEY=key, **settings)
    command(other, "restore", tmp_path / "backup")
    assert keys(stack, "restored") == keys(stack, "reperio")
    assert keys(stack, "restored")
    try:
        with Api(other.start()) as anyone, anyone.logged_in("admin", stack.launcher.password) as admin:
            counts = admin.call("GET", "/api/stats")
        with Api(stack.server) as anyone, anyone.logged_in("admin", stack.launcher.password) as admin:
            before = admin.call("GET", "/api/stats")
        for name in ("users", "photos", "faces", "face_matches", "events", "selfies"):
            assert counts[name] == before[name], name
    finally:
        other.stop()
