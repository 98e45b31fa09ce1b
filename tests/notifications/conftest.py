"""A mail server, a push service, and the service without threads that sends to both, on each database."""

from collections.abc import Iterator

import pytest

from testkit.mail_server import Mailbox, MailServer, mail_server
from testkit.push_service import PushService, push_service
from tests.conftest import DATABASES, fresh_database


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """The mail server."""
    with mail_server(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture(scope="package")
def pushing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    """The push service."""
    with push_service(tmp_path_factory.mktemp("push")) as service:
        yield service


@pytest.fixture(scope="module", params=DATABASES)
def database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    running: MailServer,
    pushing: PushService,
) -> Iterator[None]:
    """An empty database; the settings name the mail server and the push service."""
    settings = {**running.box.settings, **pushing.settings}
    with fresh_database(request, tmp_path_factory.mktemp("notifications"), **settings):
        yield


@pytest.fixture
def box(running: MailServer, database: None) -> Iterator[Mailbox]:
    """What the mail server got during the test."""
    yield running.box
    running.box.clear()


@pytest.fixture
def service(pushing: PushService, database: None) -> Iterator[PushService]:
    """What the push service got during the test; every message could be read by its browser."""
    yield pushing
    assert pushing.problems == []
    pushing.clear()
