"""Every recogniser passes one suite, through the whole service with real faces. Azure is a server of ours."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from faces.local import LocalEngine
from faces.providers import ENGINE_IDS
from testkit.application import application
from testkit.azure_face_server import face_server
from testkit.builders import EventInfo, Person, Service
from testkit.quick_client import QuickClient
from testkit.sample_pictures import Pictures, sample_event, sample_file
from tests.conftest import fresh_database

pytestmark = pytest.mark.slow
# Those of dlib and Azure are long: tests/decoding and tests/matching/azure show in the short run that they work.
PROVIDERS = [
    name if name == "local" else pytest.param(name, marks=pytest.mark.long)
    for name in sorted(ENGINE_IDS.keys() - {"fake", "other-fake"})
]
# The third picture is darkened: an engine may miss a face there.
GROUP = {"group.jpg", "mirrored.jpg"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Three photos of six people, selfies of two of them, and of two people who are in none."""
    return sample_event(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module", params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database: what recognisers find does not depend on it."""
    return str(request.param)


@pytest.fixture(scope="module", params=PROVIDERS)
def service(
    request: pytest.FixtureRequest, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The whole service with one recogniser."""
    provider, folder = str(request.param), tmp_path_factory.mktemp("provider")
    request.param = database
    with ExitStack() as stack:
        settings = dict[str, str]()
        if provider == "azure":
            settings = stack.enter_context(face_server(LocalEngine(), training_seconds=0.05)).settings
            settings |= {"AZURE_FACE_GATHER_SECONDS": "0"}
            settings.pop("FACE_RECOGNIZER_PROVIDER")
        stack.enter_context(fresh_database(request, folder, provider, **settings))
        client = stack.enter_context(QuickClient(application(), raise_server_exceptions=False))
        yield Service(client, folder / "storage")


@dataclass(frozen=True, slots=True)
class Played:
    """An event that was played: its guests by the name of their selfie."""

    event: EventInfo
    guests: dict[str, Person]


ORDERS = [pytest.param("selfies first", marks=pytest.mark.long), "photos first"]


@pytest.fixture(scope="module", params=ORDERS)
def played(request: pytest.FixtureRequest, service: Service, pictures: Pictures) -> Played:
    """An event with all its selfies and photos."""
    event = service.event()
    guests = {name: service.guest(event) for name in pictures.portraits}

    def send_selfies() -> None:
        for name, guest in guests.items():
            assert service.send_selfie(guest, pictures.portraits[name][0].read_bytes()).status_code == 200

    def send_photos() -> None:
        service.upload(
            event, *(each.read_bytes() for each in pictures.photos), names=[p.name for p in pictures.photos]
        )

    steps = [send_selfies, send_photos]
    for step in steps if request.param == "selfies first" else reversed(steps):
        step()
    service.process_photos(event)
    for guest in guests.values():
        assert service.settle(guest)["status"] == "done"
    return Played(event, guests)


def found(service: Service, guest: Person) -> set[str]:
    return {photo["original_filename"] for photo in service.my_photos(guest)}


def wait_for(service: Service, guest: Person, wanted: set[str]) -> None:
    from tests.conftest import wait_until

    wait_until(lambda: wanted <= found(service, guest), 20)


def test_guests_find_the_photos_that_show_them(service: Service, played: Played) -> None:
    for name in ("person1", "person2"):
        wait_for(service, played.guests[name], GROUP)
        assert all(40 <= photo["confidence_score"] <= 100 for photo in service.my_photos(played.guests[name]))


def test_strangers_find_nothing(service: Service, played: Played) -> None:
    assert [found(service, played.guests[name]) for name in ("stranger", "astronaut")] == [set(), set()]


def test_faces_are_told_where_they_are(service: Service, played: Played) -> None:
    wait_for(service, played.guests["person1"], GROUP)
    boxes = {each["original_filename"]: each["matched_face"] for each in service.my_photos(played.guests["person1"])}
    one, other = boxes["group.jpg"], boxes["mirrored.jpg"]
    # The same face, on the other side of the picture.
    assert one["x"] + one["width"] / 2 + other["x"] + other["width"] / 2 == pytest.approx(1, abs=0.04)
    assert one["y"] == pytest.approx(other["y"], abs=0.04)


def test_a_refused_photo_stays_away_and_an_erased_selfie_takes_all(service: Service, pictures: Pictures) -> None:
    event = service.event()
    guest = service.guest(event)
    service.upload(event, *(each.read_bytes() for each in pictures.photos), names=[p.name for p in pictures.photos])
    service.send_selfie(guest, pictures.portraits["person1"][0].read_bytes())
    service.process_photos(event)
    service.settle(guest)
    wait_for(service, guest, GROUP)
    refused = service.my_photos(guest)[0]
    assert service.post(f"/api/photos/{refused['id']}/not-me", guest).status_code == 200
    service.send_selfie(guest, pictures.portraits["person1"][0].read_bytes())
    service.settle(guest)
    assert refused["original_filename"] not in found(service, guest)
    assert service.delete("/api/my-selfie", guest).status_code == 200
    assert found(service, guest) == set()


def test_selfies_that_cannot_be_used_are_refused_before_they_are_sent(service: Service, played: Played) -> None:
    everybody = sample_file("insightface", "data/images/t1.jpg").read_bytes()
    answer = service.post("/api/validate-selfie", files={"file": ("me.jpg", everybody, "image/jpeg")})
    assert "plusieurs" in json.dumps(answer.json(), ensure_ascii=False).lower()
