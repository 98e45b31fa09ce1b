"""What ends leaves nothing in the lists at Azure: faces, a consent, an account, a child; after failed calls too."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from accounts import passwords
from azure_face.shared import face_service
from database import reading, transaction
from ending import service as ending
from events import service as events
from guests import consent, selfie_consents
from guests import erasure as accounts_erasure
from guests.children import service as children
from guests.wordings import GUARDIAN, shown
from matching.azure import queries
from matching.azure.erasure import PeriodicErasure
from models import SELFIE, Consent, Event, FaceMatch, User, utcnow
from privacy import provider
from privacy.findings import Scope
from selfies import service as selfies
from selfies.service import SelfieFile
from testkit.azure_face_server import FaceServer
from testkit.builders import people
from testkit.passwords import PASSWORD
from tests.jobs.rows import guest_of, send_photo
from tests.matching.azure.test_matching import send_selfie
from tests.matching.azure.work import DECODER, erase, settle

DAY = timedelta(days=1)


def faces_end(event: Event, _: User) -> None:
    due = utcnow() + 20 * DAY
    events.update(event.id, {"faces_until": due})
    ending.sweep(due - DAY)
    ending.sweep(due + 2 * DAY)


def withdraw(event: Event, amy: User) -> None:
    consent.withdraw(amy.id, event.id)


def close_account(_: Event, amy: User) -> None:
    accounts_erasure.erase(amy, PASSWORD)


def end_consent_by_selfie(event: Event, amy: User) -> None:
    with transaction() as session:
        for each in session.scalars(select(Consent).where(Consent.user_id == amy.id)):
            each.basis, each.version, each.text_sha256 = SELFIE, SELFIE, None
    events.update(event.id, {"selfie_is_consent": False})
    selfie_consents.announce(event.id, days=0)
    selfie_consents.end_due(utcnow() + DAY)


def erase_child(_: Event, amy: User) -> None:
    (child,) = children.children_of(amy)
    children.erase(amy, child.account.id)


@pytest.mark.parametrize(
    ("what", "left"),
    # Portraits of the guest and of the child, and two faces of a photo. The face of an erased person goes too.
    [(faces_end, 0), (withdraw, 3), (close_account, 0), (end_consent_by_selfie, 3), (erase_child, 2)],
)
def test_what_ends_leaves_the_lists_though_the_first_calls_fail(
    event: Event, server: FaceServer, what: Callable[[Event, User], None], left: int
) -> None:
    amy = guest_of(event, "amy", passwords.hash_password(PASSWORD))
    send_selfie(amy, 1)
    child = children.add(amy, "Lou", event.id, shown("fr", GUARDIAN))
    children.send_portrait(child, SelfieFile(people(5), "image/jpeg"), lambda file: selfies.store(file, DECODER))
    send_photo(event, 1, 5)
    settle()
    assert len(server.state.held()) == 4
    with reading() as session:
        assert {each.user_id for each in session.query(FaceMatch)} == {amy.id, child.id}
    server.state.faults.away_until = float("inf")
    what(event, amy)
    face_service.cache_clear()
    PeriodicErasure(face_service).tick()
    assert len(server.state.held()) == 4, "no call came through"
    with reading() as session:
        assert sum(queries.waiting(session)) > 0
    server.state.faults.away_until = 0.0
    face_service.cache_clear()
    erase()
    settle()
    assert len(server.state.held()) == left
    with reading() as session:
        assert sum(queries.waiting(session)) == 0
    assert [finding for check in provider.CHECKS for finding in check.look(Scope(DAY, pictures=None))] == []


def test_a_guest_whose_selfie_suffices_no_more_is_not_searched_for_again_and_again(
    event: Event, server: FaceServer
) -> None:
    amy = guest_of(event, "amy")
    send_selfie(amy, 1)
    first = send_photo(event, 1)
    settle()
    with transaction() as session:
        for each in session.scalars(select(Consent).where(Consent.user_id == amy.id)):
            each.basis, each.version, each.text_sha256 = SELFIE, SELFIE, None
    events.update(event.id, {"selfie_is_consent": False})
    second = send_photo(event, 1, 2)
    settle()

    def found() -> set[int]:
        with reading() as session:
            return set(session.scalars(select(FaceMatch.photo_id).where(FaceMatch.user_id == amy.id)))

    assert found() == {first}
    consent.give(amy.id, event.id, shown("fr"))
    settle()
    assert found() == {first, second}
