"""A registration that the database cannot keep leaves neither an account nor the selfie's bytes."""

import pytest
from sqlalchemy.exc import OperationalError

from decoding.decoder import Decoder
from selfies import service as selfies
from selfies.service import SelfieFile, StoredSelfie
from testkit.builders import Service, people
from testkit.passwords import PASSWORD


def register(service: Service, name: str, code: str) -> int:
    form = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "event_code": code}
    files = {"file": ("selfie.jpg", people(1), "image/jpeg")}
    return int(service.post("/api/register-invite-with-selfie", data=form, files=files).status_code)


def test_a_fault_after_the_selfie_was_stored_leaves_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, before = service.event(), service.files()

    def away(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", None, Exception("the server closed the connection"))

    with monkeypatch.context() as patch:
        patch.setattr(selfies, "add", away)
        assert register(service, "amy", event.code) == 503
    assert service.files() == before
    assert service.post("/api/login", json={"username": "amy", "password": PASSWORD}).status_code == 401
    assert register(service, "amy", event.code) == 200


def test_a_name_taken_while_the_selfie_is_stored_leaves_no_bytes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, real = service.event(), selfies.store
    before = service.files()

    def store_and_be_overtaken(file: SelfieFile, decoder: Decoder) -> StoredSelfie:
        stored = real(file, decoder)
        service.guest(event, "ben")
        return stored

    monkeypatch.setattr(selfies, "store", store_and_be_overtaken)
    assert register(service, "ben", event.code) == 400
    assert service.files() == before
