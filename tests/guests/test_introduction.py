"""Registering on the page takes the same work whether an address belongs to nobody, to a guest, or to several."""

import pytest

from accounts import login, passwords
from guests import registration
from guests.wordings import shown
from testkit.builders import Service


def test_the_number_of_password_hashes_is_the_same(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    event = service.event()
    service.guest(event, "victor")
    for browser in ("one", "two"):
        who = registration.Introduction("Victor", "victor@example.org", f"a password of {browser}")
        registration.introduce(who, event.code, "fr", shown("fr"), browser)
    hashed: list[str] = []
    real = passwords._verify

    def counting(password: str, stored: str | None) -> bool:
        hashed.append(password)
        return real(password, stored)

    monkeypatch.setattr(passwords, "_verify", counting)
    for address in ("victor@example.org", "nobody@example.org"):
        hashed.clear()
        assert login.guest_at(event.id, address, "a guess at a password") is None
        assert len(hashed) == 1


def test_the_owner_of_an_address_is_tried_before_those_who_typed_it(service: Service) -> None:
    event = service.event()
    who = registration.Introduction("Nora", "nora@example.org", "a password of before")
    typed = registration.introduce(who, event.code, "fr", shown("fr"), "before")
    found = login.guest_at(event.id, "NORA@example.org", "a password of before")
    assert found is not None
    assert found.id == typed.id
    service.guest(event, "nora")
    assert login.guest_at(event.id, "nora@example.org", "a password of before") is None
