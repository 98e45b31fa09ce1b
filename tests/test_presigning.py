"""Links to the object store where it signs none, and what obstore and we sign alike."""

import time

import pytest

import presigning
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
