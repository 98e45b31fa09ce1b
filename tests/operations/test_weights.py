"""Without its weights the face engine reports the problem, and jobs wait for it."""

from pathlib import Path
from typing import Any

import pytest

from decoding.decoder import InThisProcess
from faces import local
from jobs.inference import InferenceThread
from selfies.validator import Validator
from testkit.builders import Service, people
from testkit.servers import wait_until


@pytest.mark.long
def test_without_its_weights_the_engine_says_so_and_the_uploads_wait(
    real_sqlite_service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app: Any = real_sqlite_service.client.app
    app.state.inference.stop(10)
    monkeypatch.setattr(local, "weights_folder", lambda: tmp_path)
    decoder = InThisProcess(lambda: local.LocalEngine())
    broken = InferenceThread(decoder, sample=lambda: None, report=lambda: None, sweep=lambda: None)
    app.state.inference, app.state.validator = broken, Validator(decoder)
    broken.start()
    wait_until(lambda: ".onnx" in (broken.problem or ""), 10, "the problem")
    ready = real_sqlite_service.get("/readyz")
    assert ready.status_code == 503
    assert ".onnx" in ready.json()["face_engine"]
    event = real_sqlite_service.event()
    guest = real_sqlite_service.guest(event)
    nobody = people(1)
    assert real_sqlite_service.send_selfie(guest, nobody).status_code == 200
    assert real_sqlite_service.status(guest)["status"] == "queued"
    files = {"file": ("s.jpg", nobody, "image/jpeg")}
    answer = real_sqlite_service.post("/api/validate-selfie", files=files)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    monkeypatch.undo()
    assert real_sqlite_service.settle(guest)["status"] == "validation_failed"
    assert real_sqlite_service.get("/readyz").status_code == 200
