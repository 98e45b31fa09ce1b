"""`make evaluate` tells how right a recogniser is, and in one sentence why it cannot."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.evaluate.__main__ import chosen, main
from bench.evaluate.face_measures import CLASSES, crop_of, yaw_of
from bench.evaluate.judging import Judge
from bench.evaluate.pictures_read import look
from bench.evaluate.truth import BadFolder, read_folder
from faces.calibration import LOCAL
from faces.engine import LocatedFace
from faces.fake import FakeEngine
from matching.similarity import thresholds_for
from testkit.builders import people

Evaluate = Callable[..., int]
TRUTH = {"one.jpg": ["amy"], "both.jpg": ["amy", "ben"], "nobody.jpg": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two guests, one of them with two portraits, and three photos; a stranger stands in one of them."""
    data = tmp_path / "data"
    pictures: dict[str, tuple[int, ...]] = {
        "selfies/amy/1": (1,),
        "selfies/amy/2": (1,),
        "selfies/ben": (2,),
        "photos/one": (1,),
        "photos/both": (1, 2, 5),
        "photos/nobody": (3,),
    }
    for name, shown in pictures.items():
        write(data / f"{name}.jpg", people(*shown))
    write(data / "truth.json", json.dumps({"guests_in_photos": TRUTH, "in_no_photo": []}).encode())
    return data


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Evaluate:
    """Run the command with the fake engine; the plots are left out where matplotlib is not installed."""

    def run(folder: Path, providers: str = "fake") -> int:
        arguments = ["evaluate", str(folder), "--providers", providers, "--out", str(tmp_path / "out")]
        monkeypatch.setattr("sys.argv", arguments)
        monkeypatch.setattr("bench.evaluate.results.draw", lambda _, path: path.write_bytes(b"a plot"))
        return main()

    return run


def test_the_numbers_are_written_and_shown(folder: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    assert evaluate(folder) == 0
    told: dict[str, Any] = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert (told["guests"], told["portraits"], told["photos"], told["appearances"]) == (2, 3, 3, 3)
    fake = told["engines"]["fake"]
    assert (fake["one_portrait"]["there"], fake["one_portrait"]["f1"]) == (5, 1.0)
    assert (fake["all_portraits"]["there"], fake["all_portraits"]["f1"]) == (3, 1.0)
    assert fake["best"]["f1"] == 1.0
    assert sum(each["there"] for each in fake["by"]["size"]) == 5
    page = (tmp_path / "out" / "index.html").read_text()
    assert "No wrong matches" in page
    assert 'src="http' not in page


def test_whom_it_takes_for_whom_is_listed_with_crops(folder: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    shown = {"guests_in_photos": {**TRUTH, "nobody.jpg": ["ben"], "one.jpg": []}}
    (folder / "truth.json").write_text(json.dumps(shown))
    assert evaluate(folder) == 0
    fake = json.loads((tmp_path / "out" / "evaluation.json").read_text())["engines"]["fake"]
    assert [(each["guest"], each["photo"]) for each in fake["wrong"]] == [("amy", "one.jpg"), ("amy", "one.jpg")]
    assert [(each["guest"], each["photo"]) for each in fake["missed"]] == [("ben", "nobody.jpg")]
    assert {each.name for each in (tmp_path / "out").glob("*.jpg")} == {"wrong-fake.jpg", "missed-fake.jpg"}


def test_unreadable_pictures_are_listed_and_the_rest_goes_on(
    folder: Path, tmp_path: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "photos" / "one.jpg").write_bytes(b"no picture")
    write(folder / "selfies" / "amy" / "2.jpg", people())
    write(folder / "photos" / "unknown.jpg", people(4))
    assert evaluate(folder) == 0
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert set(told["engines"]["fake"]["problems"]) == {"photos/one.jpg", "selfies/amy/2.jpg"}
    assert told["unknown_photos"] == ["unknown.jpg"]
    assert told["engines"]["fake"]["one_portrait"]["there"] == 2
    assert "left out       photos/one.jpg" in capsys.readouterr().out
    page = (tmp_path / "out" / "index.html").read_text()
    assert "unknown.jpg: not in truth.json" in page


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", 'has no object "guests_in_photos"'),
        ('{"guests_in_photos": {"one.jpg": "amy"}}', "has no list of names for one.jpg"),
        ('{"guests_in_photos": {}}', "names no photo"),
        ('{"guests_in_photos": {"1.jpg": [], "2.jpg": [], "one.jpg": []}}', "not in photos/: 1.jpg, 2.jpg."),
        ('{"guests_in_photos": {"one.jpg": ["raj"]}}', "guests without a picture in selfies/: raj."),
    ],
)
def test_a_truth_that_cannot_be_used_is_told_in_a_sentence(
    folder: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str], truth: str, told: str
) -> None:
    (folder / "truth.json").write_text(truth)
    assert evaluate(folder) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_what_is_missing_is_told_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFolder, match="There is no folder"):
        read_folder(tmp_path / "elsewhere")
    (folder / "selfies").rename(folder / "portraits")
    with pytest.raises(BadFolder, match=r"There is no folder .*selfies"):
        read_folder(folder)
    (folder / "selfies").mkdir()
    with pytest.raises(BadFolder, match="selfies holds no pictures"):
        read_folder(folder)
    (folder / "truth.json").unlink()
    with pytest.raises(BadFolder, match=r"There is no truth\.json in"):
        read_folder(folder)


def test_without_a_choice_the_installed_engines_are_measured() -> None:
    assert "local" in chosen("")
    assert not {"fake", "other-fake", "azure"} & set(chosen(""))


@pytest.mark.parametrize(
    ("provider", "told"), [("retina", "There is no provider retina"), ("azure", "azure gives no embeddings")]
)
def test_a_provider_that_cannot_be_measured_is_told_in_a_sentence(
    folder: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str], provider: str, told: str
) -> None:
    assert evaluate(folder, provider) == 2
    assert told in capsys.readouterr().err


def test_portraits_without_any_face_are_told_in_a_sentence(
    folder: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.rglob("selfies/**/*.jpg"):
        path.write_bytes(people())
    assert evaluate(folder) == 2
    assert "None of the pictures in selfies/ shows a face" in capsys.readouterr().err


def test_a_higher_threshold_claims_less(folder: Path) -> None:
    event = read_folder(folder)
    judged = Judge(look(event, FakeEngine(), lambda _: None), event.truth, LOCAL, thresholds_for(4, LOCAL)).judged(3)
    claimed = [tally.claimed for _, tally in judged.curve]
    assert claimed == sorted(claimed, reverse=True)
    assert len(judged.curve) > 40


@pytest.mark.parametrize("degrees", [0, 20, 40, 70])
@pytest.mark.parametrize("turned", [0, 35])
def test_yaw_is_read_from_eyes_and_nose_however_the_head_is_tilted(degrees: int, turned: int) -> None:
    # A nose that stands half the distance of the eyes in front of them, seen from afar.
    offset = 0.5 * math.tan(math.radians(degrees))
    points = np.array([[-0.5, 0], [0.5, 0], [offset, 0.6], [0, 0], [0, 0]])
    angle = math.radians(turned)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    assert yaw_of((points @ rotation.T * 40 + 200).astype(np.float32)) == pytest.approx(degrees, abs=0.1)


def test_a_crop_is_the_square_around_the_face_also_at_the_edge() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:60, 100:140] = 255
    face = LocatedFace((200.0, 40.0, 80.0, 80.0), np.zeros((5, 2), np.float32), 1.0)
    assert crop_of(image, face, 2.0)[4:-4, 4:-4].min() == 255
    outside = LocatedFace((-40.0, -40.0, 80.0, 80.0), np.zeros((5, 2), np.float32), 1.0)
    assert crop_of(image, outside, 2.0).shape == (112, 112, 3)


def test_every_value_has_a_class() -> None:
    for classes in CLASSES.values():
        assert len(classes.names) == len(classes.limits) + 1
        assert [classes.place(value) for value in (0, *classes.limits)] == list(range(len(classes.names)))
