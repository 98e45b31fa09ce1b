"""A mail server, and a service without threads that sends to it, on each database."""

from collections.abc import Iterator

import pytest

from testkit.mail_server import Mailbox, MailServer, mail_server
from tests.conftest import DATABASES, fresh_database


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """The mail server."""
    with mail_server(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture(scope="module", params=DATABASES)
def database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    running: MailServer,
) -> Iterator[None]:
    """An empty database; the settings name the mail server."""
    with fresh_database(request, tmp_path_factory.mktemp("mails"), **running.box.settings):
        yield


@pytest.fixture
def box(running: MailServer, database: None) -> Iterator[Mailbox]:
    """What the mail server got during the test."""
    yield running.box
    running.box.clear()
