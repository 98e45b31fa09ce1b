"""Measures the recognisers on a folder with known answers: `make evaluate DATA=folder`.

The folder holds `selfies/`, `photos/` and `truth.json` (`bench/evaluate/truth.py`). Needs no service and no database.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from bench.evaluate.judging import Judge
from bench.evaluate.page import page
from bench.evaluate.pictures_read import look
from bench.evaluate.results import EngineResult, plots, sheets, write_json
from bench.evaluate.truth import BadFolder, KnownEvent, read_folder
from evaluation.comparison import thresholds_of
from evaluation.providers import is_configured, known
from faces.engine import EngineUnavailable
from faces.providers import DIMENSIONS, calibration_of, dimensions_of, engine_id_of, make_engine
from recogniser_settings import TEST_PROVIDERS
from settings import get_settings

OUT = Path("build/evaluate")
CONFUSIONS = 12


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.evaluate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds selfies/, photos/ and truth.json")
    parser.add_argument("--out", type=Path, default=OUT, help=f"where the results go; {OUT} by default")
    parser.add_argument("--providers", default="", help="such as local,dlib; by default all that are installed")
    return parser.parse_args()


def chosen(asked: str) -> list[str]:
    """Return the providers to measure, from a list with commas; without one, all that are installed.

    Raises:
        BadFolder: one of them is unknown, has no embeddings, or its packages are missing.
    """
    settings = get_settings()
    if not asked.strip():
        real = DIMENSIONS.keys() - TEST_PROVIDERS
        return [each for each in DIMENSIONS if each in real and dimensions_of(each) and is_configured(each, settings)]
    names = list(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))
    for name in names:
        if name not in known():
            raise BadFolder(f"There is no provider {name}: local or dlib.")
        if not dimensions_of(name):
            raise BadFolder(f"{name} gives no embeddings and cannot be measured here.")
        if name not in TEST_PROVIDERS and not is_configured(name, settings):
            raise BadFolder(f"The packages of {name} are not installed (requirements-{name}.txt).")
    return names


def measure(provider: str, event: KnownEvent) -> EngineResult:
    """Return the results of one provider.

    Raises:
        EngineUnavailable: its engine cannot be loaded. BadFolder: it can use none of the portraits or photos.
    """
    engine = make_engine(get_settings().model_copy(update={"face_recognizer_provider": provider}))
    seen = look(event, engine, lambda how_far: print(f"{provider}: {how_far}", file=sys.stderr))
    if not seen.portraits or not seen.photos:
        what = "photos can be read" if seen.portraits else "pictures in selfies/ shows a face"
        first = next(iter(seen.problems.items()))
        raise BadFolder(f"None of the {what} with {provider}; {first[0]}: {first[1]}")
    engine_id = engine_id_of(provider)
    thresholds = thresholds_of(len(seen.faces), provider)
    judged = Judge(seen, event.truth, calibration_of(engine_id), thresholds).judged(CONFUSIONS)
    return EngineResult(provider, engine_id, seen, judged)


def publish(results: list[EngineResult], event: KnownEvent, folder: Path, out: Path) -> None:
    """Write plots, contact sheets, numbers and page."""
    out.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {
        "folder": str(folder),
        "guests": len(event.portraits),
        "portraits": sum(map(len, event.portraits.values())),
        "photos": len(event.photos),
        "appearances": sum(map(len, event.truth.values())),
        "unknown_photos": event.unknown,
    }
    files = plots(results, out)
    for result in results:
        sheets(result, out)
    write_json(results, about, out / "evaluation.json")
    (out / "index.html").write_text(page(results, about, files), encoding="utf-8")


def show(results: list[EngineResult]) -> None:
    """Print the results at the service's threshold, and what was left out."""
    for result in results:
        judged = result.judged
        print(f"{result.provider} ({result.engine_id}), threshold {judged.thresholds.first:.3f}")
        for name, tally in (("one portrait", judged.single), ("all portraits", judged.together)):
            counts = f"{tally.claimed - tally.right} wrong, {tally.there - tally.right} of {tally.there} missed"
            shares = f"precision {tally.precision:.3f}  recall {tally.recall:.3f}  F1 {tally.f1:.3f}"
            print(f"  {name:<14} {shares}  {counts}")
        best, at_best = judged.best
        print(f"  best F1        {at_best.f1:.3f} at {best:.3f}; {result.milliseconds:.0f} ms CPU a photo")
        for name, reason in result.seen.problems.items():
            print(f"  left out       {name}: {reason}")


def main() -> int:
    """Return the exit status: 2 if the folder or the providers cannot be used."""
    asked = _arguments()
    try:
        event = read_folder(asked.folder)
        results = [measure(provider, event) for provider in chosen(asked.providers)]
        publish(results, event, asked.folder, asked.out)
    except (BadFolder, EngineUnavailable) as problem:
        print(problem, file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}.", file=sys.stderr)
        return 2
    show(results)
    print(asked.out / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
