"""The demo finds the guests it should, and no others."""

import os
from pathlib import Path

import pytest
from PIL import Image

from bench.demo import DemoReport, EventResult, GuestResult, run_demo
from testkit import warm
from testkit.sample_pictures import NoPictures, default_pictures, read_folders, sample_event


@pytest.mark.server
@pytest.mark.long
def test_the_event_of_real_people(shared_photos: Path, tmp_path: Path) -> None:
    report = run_demo(read_folders(shared_photos / "event" / "photos", shared_photos / "event" / "selfies"), tmp_path)
    assert len(report.events) == 5
    assert all(len(event.guests) == 8 for event in report.events)
    assert report.mean_precision == 1.0
    assert report.mean_recall >= 0.82
    best, total = report.best_portraits()
    assert total == 23
    assert best >= 20
    sheets = sorted(tmp_path.glob("*.jpg"))
    assert len(sheets) == 40
    assert Image.open(sheets[0]).width > 400


# The same as above with other faces.
@pytest.mark.long
def test_the_sample_faces_of_the_packages(tmp_path: Path) -> None:
    report = run_demo(sample_event(tmp_path))
    assert report.mean_precision == 1.0
    assert report.mean_recall == 1.0


def test_how_right_it_was_is_counted_over_guests_and_photos() -> None:
    truth = {"a.jpg": {"amy", "raj"}, "b.jpg": {"amy"}}
    guests = [GuestResult("amy", {"a.jpg": 60.0}), GuestResult("raj", {"a.jpg": 50.0, "b.jpg": 41.0})]
    event = EventResult(guests, 0.1)
    assert event.precision(truth) == pytest.approx(2 / 3)
    assert event.recall(truth) == pytest.approx(2 / 3)
    other = EventResult([GuestResult("amy", {"a.jpg": 60.0, "b.jpg": 60.0})], 0.1)
    assert DemoReport([event, other], truth).best_portraits() == (3, 3)


@pytest.mark.server
def test_folders_without_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoPictures, match="no folder"):
        read_folders(tmp_path / "nowhere", tmp_path)
    with pytest.raises(NoPictures, match="no pictures"):
        read_folders(tmp_path, tmp_path)
    done = warm.run(["-m", "bench.demo", "--photos", str(tmp_path), "--selfies", str(tmp_path)], env=os.environ)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_arguments_there_always_is_an_event(tmp_path: Path) -> None:
    pictures = default_pictures(tmp_path)
    assert pictures.photos
    assert pictures.truth
