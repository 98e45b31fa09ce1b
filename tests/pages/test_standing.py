"""The sentence above a guest's gallery at the moment a search ends."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from accounts import tokens
from database import transaction
from events import service as events
from events.service import NewEvent
from guests import registration
from matching import state as matching_state
from models import DONE, PROCESSING, Consent, Event, Selfie, utcnow
from models import SELFIE as BY_SELFIE
from pages.guest import gallery, standing
from photos import progress
from testkit.application import application
from testkit.bulk_rows import add_faces, add_matches, add_photos, add_users

PHOTOS = 3


@pytest.fixture
def event(quiet_database: None) -> Event:
    """An event without guests."""
    return events.create(NewEvent("Standing"))


@pytest.fixture
def client() -> TestClient:
    """The service without its job thread."""
    return TestClient(application())


def _searching(event: Event) -> tuple[int, Callable[[], None]]:
    """A guest whose selfie is being processed, and the step that completes it."""
    with transaction() as session:
        (guest,) = add_users(session, event.id, 1, f"searching{utcnow().timestamp()}-")
        selfie = Selfie(user_id=guest, storage_key=f"selfies/{guest}", status=PROCESSING, attempts=1)
        session.add(selfie)
        session.add(Consent(user_id=guest, event_id=event.id, version="selfie", locale="fr", basis=BY_SELFIE))
        session.flush()
        selfie_id = selfie.id
        photos = add_photos(session, event.id, PHOTOS)
        faces = add_faces(session, event.id, photos)

    def end() -> None:
        with transaction() as session:
            done = session.get(Selfie, selfie_id)
            assert done is not None
            done.status, done.finished_at = DONE, utcnow()
            add_matches(session, guest, photos, faces)

    return guest, end


def _just_before(read: Callable[..., Any], end: Callable[[], None]) -> Callable[..., Any]:
    def late(*args: Any) -> Any:
        end()
        return read(*args)

    return late


def _page(client: TestClient, guest: int) -> dict[str, Any]:
    token = tokens.issue(guest, 0, timedelta(hours=1))
    answer = client.get("/photos", headers={"Authorization": f"Bearer {token}", "Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    found = re.search(r'id="data">(.*?)</script>', answer.text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize("last", ["state", "counts", "list"])
def test_a_search_that_ends_while_the_page_is_made_is_never_told_as_one_that_found_nothing(
    event: Event, client: TestClient, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    guest, end = _searching(event)
    before = _page(client, guest)
    assert (before["standing"]["kind"], before["photos"]) == ("looking", [])
    with monkeypatch.context() as patch:
        if last == "state":
            patch.setattr(matching_state, "state_of", _just_before(matching_state.state_of, end))
        elif last == "counts":
            patch.setattr(standing, "standing_for", _just_before(progress.standing_for, end))
        else:
            patch.setitem(gallery.LISTS, "mine", _just_before(gallery.LISTS["mine"], end))
        page = _page(client, guest)
    # Either the photos are shown, or the page asks again immediately.
    assert page["standing"]["kind"] == "found" or page["standing"]["under_way"]
    assert len(page["photos"]) >= page["standing"]["matched"], "photos told of that the list lacks"
    after = _page(client, guest)
    assert (after["standing"]["kind"], len(after["photos"])) == ("found", PHOTOS)


def test_a_guest_whom_nobody_looks_for_sees_what_the_event_shows_to_all(client: TestClient, event: Event) -> None:
    party = events.create(NewEvent("Open", guests_see_all_photos=True))
    guest = registration.start(party.event_code, "fr", None, "a browser")
    with transaction() as session:
        add_photos(session, party.id, PHOTOS)
    page = _page(client, guest.id)
    assert (page["show"], page["standing"]["kind"], len(page["photos"])) == ("all", "not_asked", PHOTOS)
    assert page["standing"]["action"]["href"] == "/account"
    # Where the event shows nothing to all, the gallery is empty, and says why.
    closed = registration.start(event.event_code, "fr", None, "a browser")
    page = _page(client, closed.id)
    assert (page["show"], page["standing"]["kind"], page["photos"]) == ("mine", "not_asked", [])
