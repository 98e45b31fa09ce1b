"""The table of many events in the documents is the one that the command prints."""

import re
from pathlib import Path

from bench.paper import Assumed, Measured, rows_of

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "scaling.md").read_text()


def test_the_documents_have_the_figures_that_are_computed() -> None:
    told = TEXT.split("## On paper")[1].split("**The constants.**")[0]
    cells = [re.split(r" \| ", line.strip("| ")) for line in told.splitlines() if line.startswith("|")][2:]
    for column, events in ((1, 10_000), (2, 500)):
        computed = [value for name, value in rows_of(Measured(), Assumed(events=events)) if "money" not in name]
        assert len(cells) == len(computed)
        for row, value in zip(cells, computed, strict=True):
            numbers = [float(each.replace(",", "")) for each in re.findall(r"[\d,]*\d(?:\.\d+)?", value)]
            shown = [float(each.replace(",", "")) for each in re.findall(r"[\d,]*\d(?:\.\d+)?", row[column])]
            # The documents round 1.5 and 0.1 million less than the command, and 34,699 to 34,700.
            assert all(abs(a - b) <= max(0.5, 0.01 * b) for a, b in zip(shown, numbers, strict=True)), (row, value)


def test_half_the_events_need_half_of_all() -> None:
    def first(events: int) -> list[float]:
        lines = dict(rows_of(Measured(), Assumed(events=events)))
        wanted = ("cores of workers, no backlog at the peak", "commits a second at the peak")
        return [float(lines[name].replace(",", "")) for name in wanted]

    whole, half = first(10_000), first(5_000)
    assert [round(a / b, 2) for a, b in zip(whole, half, strict=True)] == [2.0, 2.0]
