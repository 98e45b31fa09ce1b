"""A signed link opens its photo until the second it names, for two hours at least, and then never again."""

import re
import time
from types import SimpleNamespace

import pytest

from api import links
from testkit.builders import EventInfo, Service, people

HOUR = 3600


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    """An event with one photo that is through."""
    made = service.event()
    service.upload(made, people(1))
    service.process_photos(made)
    return made


def new_link(service: Service, event: EventInfo) -> str:
    """Return the photographer's link to the photo."""
    (photo,) = service.get(f"/api/photographer/events/{event.id}/photos", event.photographer).json()
    return str(photo["url"])


def expiry(link: str) -> int:
    found = re.search(r"expires=(\d+)", link)
    assert found
    return int(found[1])


def at(moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let links be made and judged at this moment."""
    monkeypatch.setattr(links, "time", SimpleNamespace(time=lambda: moment))


@pytest.mark.parametrize(("seconds", "status"), [(-5, 200), (0, 200), (1, 401), (5, 401)])
def test_it_ends_at_the_second_it_names(
    service: Service, event: EventInfo, monkeypatch: pytest.MonkeyPatch, seconds: int, status: int
) -> None:
    link = new_link(service, event)
    at(expiry(link) + seconds, monkeypatch)
    assert service.get(link).status_code == status


@pytest.mark.parametrize("into_the_hour", [0, 1, HOUR // 2, HOUR - 1])
def test_it_lasts_as_long_as_browsers_may_keep_its_picture_and_an_hour_more_at_most(
    service: Service, event: EventInfo, monkeypatch: pytest.MonkeyPatch, into_the_hour: int
) -> None:
    now = time.time() // HOUR * HOUR + into_the_hour
    at(now, monkeypatch)
    link = new_link(service, event)
    kept = re.search(r"max-age=(\d+)", service.get(link).headers["cache-control"])
    assert kept
    assert now + int(kept[1]) <= expiry(link) < now + int(kept[1]) + HOUR


def test_with_a_token_an_expired_link_still_opens(
    service: Service, event: EventInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = new_link(service, event)
    at(expiry(link) + 5, monkeypatch)
    assert service.get(link, event.photographer).status_code == 200
