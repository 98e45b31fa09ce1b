"""What traces cost: CPU of the frequent calls without and with them, in turns of the same run.

`python -m bench.traced` starts two services with one worker each, on SQLite. The second one sends every trace to a
collector of this program, or the share `--ratio` of them. A photo's CPU is that of the worker and its children.
"""

import argparse
import statistics
from pathlib import Path

from bench.hot_calls import TURNS, Checkout, Side, compare, prepared
from bench.responsive import cpu_seconds
from testkit.builders import people
from testkit.collector import running_collector
from testkit.event_photos import send_photos
from testkit.servers import NewEvent, create_event, temporary_folder

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = 20


def photo_turn(launcher: Checkout, event: NewEvent, turn: int) -> float:
    """Return the CPU of a photo in ms: upload and job. In each turn the photos are others."""
    cpu = cpu_seconds(launcher.processes())
    photos = [people(number, 60, margin=40 + turn) for number in range(PHOTOS)]
    send_photos(event.photographer, event.id, photos)
    return (cpu_seconds(launcher.processes()) - cpu) / PHOTOS * 1000


def compare_photos(plain: Checkout, traced: Checkout, turns: int) -> None:
    """Print the CPU of a photo on both sides."""
    events = [(each, create_event(each.server, photographer="max")) for each in (plain, traced)]
    pairs = [[photo_turn(*each, turn) for each in events] for turn in range(turns + 1)]
    without, with_traces = (statistics.median(each[side] for each in pairs[1:]) for side in (0, 1))
    ratio = statistics.median(each[1] / each[0] for each in pairs[1:])
    print(f"{'photo':<18}{without:>12.2f}{with_traces:>8.2f}{ratio:>8.2f}")


def main() -> None:
    """Compare; the columns `before` are without traces, `now` with them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--ratio", type=float, default=1.0, help="the share of requests that is traced")
    asked = parser.parse_args()
    with temporary_folder() as folder, running_collector() as collector:
        given = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": str(asked.ratio),
        }
        (folder / "plain").mkdir()
        (folder / "traced").mkdir()
        plain, traced = Checkout(folder / "plain", ROOT), Checkout(folder / "traced", ROOT, **given)
        try:
            sides: list[Side] = [prepared(traced, folder), prepared(plain, folder)]
            compare(sides[0], sides[1], asked.turns)
            compare_photos(plain, traced, max(3, asked.turns // 3))
            print(f"{len(collector.spans)} spans in {collector.requests} calls of the collector")
        finally:
            plain.stop()
            traced.stop()


if __name__ == "__main__":
    main()
