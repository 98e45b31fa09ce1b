"""The benches compute what they report, and report a missed goal as missed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import faces_million, growth
from bench.composed import compose, write
from bench.evaluate.truth import read_folder
from bench.load_results import results_of
from bench.pages import renewed, table
from bench.report import Drawing, Measured, Result, read, verdict
from bench.tally import tally_of
from testkit.in_process import use_database
from tests.conftest import _reset

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings that a measurement may change."""
    monkeypatch.setenv("SECRET_KEY", "a key for tests only, forty characters..")
    _reset()
    yield
    _reset()


def test_a_missed_goal_is_called_missed_and_says_what_limits_it() -> None:
    assert Result("a", 1.51, "x", 1.5).met is False
    assert Result("a", 1.5, "x", 1.5).met is True
    assert Result("a", 2.9, "x", 3, at_least=True).met is False
    assert Result("a", 3.0, "x", 3, at_least=True).met is True
    assert Result("a", float("nan"), "x", 1.5).met is False
    assert Result("a", 99.0, "x").met is None
    assert verdict(Result("a", 2, "x", 1, limit="The disk.")) == "**MISSED** The disk."
    assert verdict(Result("a", 1, "x", 1, limit="The disk.")) == "met"


def test_figures_survive_their_file_and_only_the_table_of_the_document_is_replaced(tmp_path: Path) -> None:
    drawing = Drawing("t", "x", "y", {"line": [(1.0, 2.0)]})
    measured = Measured("growth", [Result("calls", 2.0, "x", 1.5, note="n"), Result("told", 5, "ms")], [drawing])
    measured.write(tmp_path / "growth.json")
    assert [row["met"] for row in json.loads((tmp_path / "growth.json").read_text())["results"]] == [False, None]
    assert read(tmp_path / "growth.json") == measured
    kept = "| seconds | 1.00 s | – | – | `python -m bench.engine` |"
    stale = "| stale | 1.00 x | – | – | `python -m bench.growth` |"
    document = f"# Title\n\n<!-- make bench: begin -->\n{stale}\n{kept}\n<!-- make bench: end -->\nby hand\n"
    order = ("engine", "growth")
    new = renewed(document, [measured], "Two cores.", order)
    assert new.startswith("# Title\n\n<!-- make bench: begin -->\nTwo cores.\n")
    assert new.endswith("<!-- make bench: end -->\nby hand\n")
    assert "stale" not in new
    assert f"{kept}\n| calls" in new
    assert table([measured]).splitlines()[2:] == new.splitlines()[8:10]
    assert "| calls: n | 2.00 x | at most 1.5 | **MISSED** | `python -m bench.growth` |" in new
    assert renewed(new, [measured], "Two cores.", order) == new


def test_the_load_tests_goals_are_judged_by_the_percentile_they_name() -> None:
    rows = {
        "login": {"requests": 9, "p95": 100.0, "p99": 400.0, "goal": 150},
        "me": {"requests": 1, "p95": 900.0, "p99": 900.0, "goal": None},
        "register": {"requests": 0, "p95": None, "p99": None, "goal": 200},
    }
    content: dict[str, object] = {"which": "p95", "arrived": 3, "finished": 3, "failures": 1, "calls": rows}
    failures, login, register = results_of("closed30", "sqlite", content, "today")
    assert (failures.met, login.met, register.met) == (False, True, False)
    assert results_of("open", "postgresql", {**content, "which": "p99"}, "today")[1].met is False


def test_precision_and_recall_are_over_pairs_of_photo_and_guest() -> None:
    truth = {"1": {"amy", "raj"}, "2": {"amy"}, "3": set[str]()}
    found = tally_of([("1", "amy"), ("1", "amy"), ("3", "raj")], truth)
    assert (found.precision, found.recall) == (1 / 2, 1 / 3)
    assert found.f1 == pytest.approx(0.4)
    assert tally_of([], truth).f1 == 0
    assert tally_of([("1", "amy"), ("1", "raj"), ("2", "amy")], truth).f1 == 1


def test_a_composed_event_shows_whom_it_says(shared_photos: Path, tmp_path: Path) -> None:
    event = compose(3, folder=shared_photos)
    assert len(event.selfies) == 3
    appearances = sum(map(len, event.truth.values()))
    assert 15 <= appearances <= 18
    assert event.truth.keys() == event.photos.keys()
    pictures, known = write(event, tmp_path / "event"), read_folder(tmp_path / "event")
    assert pictures.portraits.keys() == known.portraits.keys() == event.selfies.keys()
    assert (known.truth, known.unknown) == (event.truth, [])


@pytest.mark.sqlite_is_enough
@pytest.mark.parametrize("kind", DATABASES)
def test_calls_whose_growth_is_measured_give_right_answers(
    kind: str, tmp_path: Path, postgres: Callable[[str], str], own_settings: None
) -> None:
    sides = []
    for place, users in enumerate((70, 1_300)):
        folder = tmp_path / str(place)
        folder.mkdir()
        url = postgres("psycopg") if kind == "postgresql" else None
        sides.append(growth.fill_side(folder, url, users, 2 * users))
    for name, call in growth.CALLS.items():
        small, large = growth.take_turns((sides[0], sides[1]), call, turns=2, calls=3)
        assert len(small) == len(large) == 2, name
        assert min(*small, *large) > 0, name
    use_database(sides[1].url)
    assert {growth._name(sides[1], number)[0] for number in range(50)} == {"u", "w"}


@pytest.mark.sqlite_is_enough
@pytest.mark.server
@pytest.mark.parametrize("kind", DATABASES)
def test_a_selfie_is_measured_against_all_faces_of_the_event(
    kind: str, tmp_path: Path, postgres: Callable[[str], str], own_settings: None
) -> None:
    url = postgres("psycopg") if kind == "postgresql" else None
    (run,) = faces_million.runs_on(tmp_path, url, (3_000,), rounds=2)
    assert (run.faces, run.found) == (3_000, faces_million.SHOWN_IN)
    assert 0 < run.warm < run.cold
    # Their embeddings at least.
    assert run.held > 3_000 * 128 * 2 / 2**20
    assert 0 < run.wait < run.cold
