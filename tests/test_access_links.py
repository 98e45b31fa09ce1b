"""Signed links open what they were made for, and nothing else: the last table of `docs/access.md`."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from httpx2 import Response

from accounts import tokens
from api.links import link
from database import reading
from models import User
from testkit.passwords import PASSWORD
from testkit.world import World
from tests.access_table import DOCUMENT

Query = dict[str, str]
ROW = re.compile(r"^\| ([^|`]+) \| (\d{3}) \|$", re.MULTILINE)
NOBODY = "anonymous"


@pytest.fixture(autouse=True)
def restored(world: World) -> Iterator[None]:
    yield
    world.restore()


def signed(world: World, role: str = "guest", photo: int = 0, size: str = "web") -> tuple[str, Query]:
    """Return path and query of the link that this account gets for a photo."""
    with reading() as session:
        user = session.get_one(User, world.callers[role].id)
        user.session_id = tokens.read(world.callers[role].token).session_id
    address = urlsplit(link(photo or world.objects.photo, size, user))
    return address.path, dict(parse_qsl(address.query))


def loaded(world: World, path: str, query: str | Query, *, method: str = "GET", who: str = NOBODY) -> Response:
    text = query if isinstance(query, str) else urlencode(query)
    return world.send(method, f"{path}?{text}", world.callers[who])


def changed(world: World, **parts: str) -> list[Response]:
    path, query = signed(world)
    return [loaded(world, path, {**query, **parts})]


def another_photo(world: World, of_event: int) -> list[Response]:
    """Ask for every other photo of an event with the guest's link."""
    role = "photographer" if of_event == world.objects.event else "other photographer"
    photos = world.send("GET", "/api/my-uploaded-photos", world.callers[role]).json()
    _, query = signed(world)
    ids = [photo["id"] for photo in photos if photo["id"] != world.objects.photo]
    assert ids
    return [loaded(world, f"/api/photo/{each}", query) for each in ids]


def without_a_part(world: World) -> list[Response]:
    path, query = signed(world)
    parts = ("user", "expires", "session", "signature")
    left_out = [loaded(world, path, {name: query[name] for name in query if name != part}) for part in parts]
    return left_out + [loaded(world, path, {**query, part: ""}) for part in parts]


def with_another_account_added(world: World) -> list[Response]:
    """The account that is read is the one that is checked, wherever the other one stands."""
    path, query = signed(world, "fellow guest")
    good, added = urlencode(query), urlencode({"user": world.callers["guest"].id})
    assert loaded(world, path, f"{added}&{good}").status_code == 404
    return [loaded(world, path, f"{good}&{added}")]


def at_another_call(world: World) -> list[Response]:
    _, query = signed(world)
    of = world.objects
    paths = ["/api/me", "/api/my-photos", f"/api/image/{of.filename}", f"/api/selfie/{of.guest}", "/api/nothing"]
    paths += [f"/api/photo/{of.photo}/faces", f"/api/user/events/{of.event}/photos.zip"]
    return [loaded(world, path, query) for path in paths]


def with_another_method(world: World) -> list[Response]:
    path, query = signed(world)
    return [loaded(world, path, query, method=each) for each in ("POST", "PUT", "PATCH", "DELETE")]


def after_its_session(world: World) -> list[Response]:
    path, query = signed(world)
    world.send("POST", "/api/logout", world.callers["guest"])
    return [loaded(world, path, query)]


def of_a_closed_account(world: World) -> list[Response]:
    return [loaded(world, *signed(world, "closed guest"))]


def of_an_erased_account(world: World) -> list[Response]:
    path, query = signed(world)
    world.send("DELETE", "/api/me", world.callers["guest"], json={"password": PASSWORD})
    return [loaded(world, path, query)]


def after_not_me(world: World) -> list[Response]:
    path, query = signed(world)
    world.send("POST", f"/api/photos/{world.objects.photo}/not-me", world.callers["guest"])
    return [loaded(world, path, query)]


def after_leaving_the_event(world: World) -> list[Response]:
    path, query = signed(world, "photographer")
    assert loaded(world, path, query).status_code == 200
    event = f"/api/admin/events/{world.objects.event}"
    world.send("PUT", event, world.callers["admin"], json={"photographer_ids": []})
    # Photographers still see their own photos, but no longer those of the event's other photographers.
    assert loaded(world, path, query).status_code == 200
    other = world.callers["other photographer"]
    world.send("PUT", event, world.callers["admin"], json={"photographer_ids": [other.id]})
    assert loaded(world, *signed(world, "other photographer")).status_code == 200
    world.send("PUT", event, world.callers["admin"], json={"photographer_ids": []})
    return [loaded(world, *signed(world, "other photographer"))]


def of_strangers(world: World) -> list[Response]:
    return [loaded(world, *signed(world, role)) for role in ("fellow guest", "other guest", "other photographer")]


def beside_a_token(world: World) -> list[Response]:
    return [loaded(world, *signed(world), who=role) for role in ("other guest", "other photographer")]


LINKS: dict[str, Callable[[World], list[Response]]] = {
    "as it was given": lambda world: [
        loaded(world, *signed(world, role, size=size))
        for role in ("guest", "photographer", "admin")
        for size in ("thumb", "medium", "web", "original")
    ],
    "for a photo of another event": lambda world: another_photo(world, 0),
    "for another photo of the event": lambda world: another_photo(world, world.objects.event),
    "for another size": lambda world: changed(world, size="original"),
    "for another account": lambda world: changed(world, user=str(world.callers["admin"].id)),
    "for a later time": lambda world: changed(world, expires="4102444800"),
    "expired": lambda world: changed(world, expires="1000000000"),
    "without one of its parts": without_a_part,
    "with another account added": with_another_account_added,
    "at another call": at_another_call,
    "with another method": with_another_method,
    "for another session": lambda world: changed(world, session=world.objects.session),
    "its session has ended": after_its_session,
    "its account is closed": of_a_closed_account,
    "its account is erased": of_an_erased_account,
    'its guest said "not me"': after_not_me,
    "its photographer has left the event": after_leaving_the_event,
    "signed for an account that may not see the photo": of_strangers,
    "beside the token of an account that may not see the photo": beside_a_token,
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_opens_what_it_was_made_for(world: World, name: str) -> None:
    expected = dict(ROW.findall(DOCUMENT.read_text()))[name]
    answers = LINKS[name](world)
    assert {str(each.status_code) for each in answers} == {expected}, [each.text[:200] for each in answers]


def test_the_table_lists_these_links() -> None:
    assert set(dict(ROW.findall(DOCUMENT.read_text()))) == set(LINKS)
