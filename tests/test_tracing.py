"""Every response and every log line has the id of its request."""

import json
import logging

import pytest

from testkit.builders import Service
from tracing import request_id, set_up_logging


def test_an_answer_carries_the_id_it_was_given_or_a_new_one(service: Service) -> None:
    given = service.get("/livez", headers={"X-Request-ID": "mobile-1234"})
    assert given.headers["x-request-id"] == "mobile-1234"
    first, second = (service.get("/livez").headers["x-request-id"] for _ in range(2))
    assert first != second
    for bad in ("x" * 65, "a b", "a;b"):
        assert service.get("/livez", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad
    assert service.post("/api/upload-selfie").headers["x-request-id"]


def test_log_lines_are_objects_that_name_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        set_up_logging(structured=True)
        with request_id("abc"):
            logging.getLogger("reperio.jobs").warning("photo %d failed", 7)
    finally:
        logging.getLogger().handlers[:] = before
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["message"], line["request_id"], line["levelname"]) == ("photo 7 failed", "abc", "WARNING")
