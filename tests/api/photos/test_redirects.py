"""Pictures that browsers load from the object store: who is led there, for how long, and who is not."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import delete

import presigning
from database import transaction
from models import WithheldPhoto
from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused
from testkit.servers import TLS

pytestmark = pytest.mark.server
IMAGE = {"Sec-Fetch-Mode": "no-cors"}
SCRIPT = {"Sec-Fetch-Mode": "cors"}


@pytest.fixture(scope="module")
def event(s3_service: Service) -> EventInfo:
    """An event with two photos that are processed; all guests see them."""
    made = s3_service.event(guests_see_all_photos=True)
    s3_service.upload(made, people(1), people(2))
    assert {each["processing_status"] for each in s3_service.process_photos(made)} == {"done"}
    return made


@pytest.fixture
def guest(s3_service: Service, event: EventInfo) -> Person:
    return s3_service.guest(event)


def links(service: Service, who: Person) -> list[str]:
    return [each["thumbnail_url"] for each in service.get("/api/all-photos", who).json()]


def loaded(url: str, method: str = "GET", **headers: str) -> httpx2.Response:
    return httpx2.request(method, url, headers=headers, verify=TLS)


def test_an_image_is_led_to_the_store_and_finds_the_same_address_again(
    s3_service: Service, event: EventInfo, guest: Person
) -> None:
    link = links(s3_service, guest)[0]
    through_us = s3_service.get(link, headers=SCRIPT | {"Cookie": "reperio_session=any"})
    assert through_us.status_code == 200
    answer = s3_service.get(link, headers=IMAGE)
    assert (answer.status_code, answer.content) == (302, b"")
    url = answer.headers["location"]
    age = int(answer.headers["cache-control"].removeprefix("private, max-age="))
    assert 28 <= age < 60
    found = loaded(url)
    assert (found.status_code, found.content) == (200, through_us.content)
    assert found.headers["content-type"] == "image/jpeg"
    assert found.headers["cache-control"] == "private, max-age=60"
    assert 'filename="' in found.headers["content-disposition"]
    assert loaded(url, Range="bytes=2-5").content == through_us.content[2:6]
    # Another process signs the same address, until the window of half a minute ends.
    presigning.forget()
    again = s3_service.get(link, headers=IMAGE).headers["location"]
    signed = parse_qs(urlsplit(url).query)["X-Amz-Date"]
    assert again == url or parse_qs(urlsplit(again).query)["X-Amz-Date"] > signed


def test_a_browser_with_a_session_asks_at_each_look(s3_service: Service, event: EventInfo, guest: Person) -> None:
    photo = s3_service.get("/api/all-photos", guest).json()[0]
    cookie = {"Cookie": f"reperio_session={guest.token}"}
    path = f"/api/photo/{photo['id']}?size=thumb"
    answer = s3_service.get(path, headers=IMAGE | cookie)
    assert (answer.status_code, answer.headers["cache-control"]) == (302, "private, no-cache")
    # What it keeps of the time before the redirects is still right.
    mark = s3_service.get(path, headers=SCRIPT | cookie).headers["etag"]
    assert s3_service.get(path, headers=IMAGE | cookie | {"If-None-Match": mark}).status_code == 304


@pytest.mark.parametrize("mode", [SCRIPT, {}], ids=["script", "unknown"])
def test_scripts_get_the_picture_from_us(
    s3_service: Service, event: EventInfo, guest: Person, mode: dict[str, str]
) -> None:
    photo = s3_service.get("/api/all-photos", guest).json()[0]
    cookie = {"Cookie": f"reperio_session={guest.token}"}
    assert s3_service.get(f"/api/photo/{photo['id']}", headers=mode | cookie).status_code == 200


def test_tokens_and_head_requests_are_never_led_away(s3_service: Service, event: EventInfo, guest: Person) -> None:
    photo = s3_service.get("/api/all-photos", guest).json()[0]
    assert s3_service.get(f"/api/photo/{photo['id']}", guest, headers=IMAGE).status_code == 200
    answer = s3_service.client.head(photo["url"], headers=IMAGE)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 0


def test_a_guest_gets_the_original_without_metadata_from_us(
    s3_service: Service, event: EventInfo, guest: Person
) -> None:
    photo = s3_service.get("/api/all-photos", guest).json()[0]
    cookie = {"Cookie": f"reperio_session={guest.token}"}
    path = f"/api/photo/{photo['id']}?size=original"
    assert s3_service.get(path, headers=IMAGE | cookie).status_code == 200


def test_a_photographer_saves_the_original_from_the_store_under_its_name(
    s3_service: Service, event: EventInfo
) -> None:
    who = event.photographer
    photo = s3_service.process_photos(event)[0]
    cookie = {"Cookie": f"reperio_session={who.token}"}
    path = f"/api/photo/{photo['id']}?size=original&download=true"
    answer = s3_service.get(path, headers={"Sec-Fetch-Mode": "navigate"} | cookie)
    assert answer.status_code == 302
    found = loaded(answer.headers["location"])
    assert found.headers["content-disposition"].startswith(f'attachment; filename="{photo["original_filename"]}"')
    assert found.content == s3_service.get(f"/api/photo/{photo['id']}?size=original", who).content


def test_a_link_is_for_one_object_and_lives_a_minute(s3_service: Service, event: EventInfo, guest: Person) -> None:
    first, second = (s3_service.get(each, headers=IMAGE).headers["location"] for each in links(s3_service, guest))
    signature = {each: parse_qs(urlsplit(each).query)["X-Amz-Signature"] for each in (first, second)}
    assert signature[first] != signature[second]
    query = parse_qs(urlsplit(first).query)
    assert query["X-Amz-Expires"] == ["60"]


def test_what_is_withheld_or_hidden_is_not_led_away(s3_service: Service, event: EventInfo, guest: Person) -> None:
    link = links(s3_service, guest)[0]
    number = int(urlsplit(link).path.rsplit("/", 1)[1])
    cookie = {"Cookie": f"reperio_session={event.photographer.token}"}
    with transaction() as session:
        session.add(WithheldPhoto(photo_id=number, event_id=event.id, reason="guest", user_id=guest.id))
    try:
        # The guest who asked for it, and staff, still see it: the bytes pass through the service.
        for path, headers in ((link, IMAGE), (f"/api/photo/{number}?size=thumb", IMAGE | cookie)):
            assert s3_service.get(path, headers=headers).status_code == 200
        other = s3_service.guest(event)
        path = f"/api/photo/{number}?size=thumb"
        refused(
            s3_service.get(path, headers=IMAGE | {"Cookie": f"reperio_session={other.token}"}), 404, "NoSuchPhoto"
        )
    finally:
        with transaction() as session:
            session.execute(delete(WithheldPhoto))
    assert s3_service.get(link, headers=IMAGE).status_code == 302


def test_pages_may_show_pictures_of_the_store(s3_service: Service) -> None:
    store = presigning.origin()
    assert store is not None
    policy = s3_service.get("/login").headers["content-security-policy"]
    assert f"img-src 'self' {store} blob: data:" in policy
    assert f"connect-src 'self' {store};" in policy
    assert "links" not in s3_service.get("/readyz").json()
