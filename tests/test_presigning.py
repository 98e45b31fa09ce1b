"""Links to the object store where it signs none, and what obstore and we sign alike."""

import time
from urllib.parse import urlsplit

import pytest

import presigning
from photos.uploads import ways
from settings import get_settings
from testkit.builders import Service

AWS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "eu-west-3",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "a secret",
}


@pytest.mark.sqlite_is_enough
def test_a_local_folder_signs_nothing_and_readiness_says_so(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "links" not in service.get("/readyz").json()
    monkeypatch.setattr(get_settings(), "presigned_seconds", 60)
    told = service.get("/readyz").json()
    assert told["storage"] == "ok"
    assert told["links"].startswith("PRESIGNED_SECONDS: the storage is a local folder")
    policy = service.get("/login").headers["content-security-policy"]
    assert "img-src 'self' blob: data:" in policy


@pytest.mark.parametrize("key", ["photos/1/web/a.jpg", "photos/1/web/a b+é&.jpg"])
def test_our_address_is_the_one_that_obstore_signs_in_the_same_second(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    url = f"s3://bucket-{time.time_ns()}/folder"
    monkeypatch.setattr(get_settings(), "storage_url", url)
    presigning.forget()
    for _ in range(3):
        now = int(time.time())
        ours, theirs = presigning._s3_signed(url, "GET", key, now, 60, {}), presigning._signed("GET", key, 60)
        if int(time.time()) == now:
            assert ours == theirs
            return
    pytest.fail("three times, a second ended between two calls")


def test_azure_signs_addresses_of_one_object_for_reading_or_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "pictures")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0c2VjcmV0c2VjcmV0")
    for name, value in {
        "storage_url": f"az://container-{time.time_ns()}",
        "presigned_seconds": 60,
        "presigned_uploads": True,
    }.items():
        monkeypatch.setattr(get_settings(), name, value)
    presigning.forget()
    assert presigning.origin() == "https://pictures.blob.core.windows.net"
    assert presigning.problem() is None
    link = presigning.load_link("photos/1/web/a.jpg")
    assert link is not None
    assert 0 < link.seconds <= 60
    # `sp` is the right, `sr=b` one object.
    assert {"sp=r", "sr=b"} <= set(urlsplit(link.url).query.split("&"))
    assert presigning.load_link("photos/1/web/a.jpg") in (link, link._replace(seconds=link.seconds - 1))
    # Parts cannot be signed: the whole file goes to one address, with a header of Azure's own.
    assert ways.way_for(20_000_000, direct=True) == ways.AS_WHOLE
    assert ways.is_azure()
    assert "sp=w" in urlsplit(presigning.send_link("uploads/a.whole", 5, 900)).query.split("&")
