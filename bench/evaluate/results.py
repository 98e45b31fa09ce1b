"""One engine's results as a whole, the plots of them, and the JSON."""

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.contact_sheet import Tile, contact_sheet
from bench.evaluate.face_measures import CLASSES
from bench.evaluate.judging import Confusion, Judged
from bench.evaluate.pictures_read import Seen
from bench.pages import draw
from bench.report import Drawing
from bench.tally import Tally


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What one provider's engine saw, and how it was judged."""

    provider: str
    engine_id: str
    seen: Seen
    judged: Judged

    @property
    def milliseconds(self) -> float:
        """Processor time of a photo, decoding included; the median."""
        return statistics.median(self.seen.milliseconds) if self.seen.milliseconds else 0.0


def plots(results: list[EngineResult], folder: Path) -> dict[str, Path]:
    """Draw every curve into the folder; return the files by name."""
    drawings = {"precision-recall": _precision_over_recall(results)}
    for result in results:
        drawings[f"thresholds-{result.provider}"] = _over_thresholds(result)
    for name, classes in CLASSES.items():
        shares = {
            f"{what}, {result.provider}": [
                (float(place), getattr(tally, what))
                for place, tally in enumerate(result.judged.classes[name])
                if (tally.there if what == "recall" else tally.claimed)
            ]
            for result in results
            for what in ("recall", "precision")
        }
        title = f"Does the {classes.title.lower()} matter? {_spread(results[0], name)}"
        drawings[f"by-{name}"] = Drawing(title, classes.unit, "share", shares, classes.names)
    files = {name: folder / f"{name}.png" for name in drawings}
    for name, drawing in drawings.items():
        draw(drawing, files[name])
    return files


def _spread(result: EngineResult, name: str) -> str:
    """Return the lowest and the highest recall of the classes that have appearances."""
    recalls = [tally.recall for tally in result.judged.classes[name] if tally.there]
    return f"Recall {min(recalls):.2f} to {max(recalls):.2f}" if recalls else "No appearance"


def _precision_over_recall(results: list[EngineResult]) -> Drawing:
    lines = {
        result.provider: [(tally.recall, tally.precision) for _, tally in result.judged.curve if tally.claimed]
        for result in results
    }
    return Drawing(f"How much precision does recall cost? {_told(results)}", "recall", "precision", lines)


def _told(results: list[EngineResult]) -> str:
    """Return the highest recall of each engine with a precision of 0.99 or more."""
    best = {
        result.provider: max(
            (tally.recall for _, tally in result.judged.curve if tally.precision >= 0.99), default=0.0
        )
        for result in results
    }
    return "Recall at precision 0.99: " + ", ".join(f"{name} {value:.3f}" for name, value in best.items())


def _over_thresholds(result: EngineResult) -> Drawing:
    curve = result.judged.curve
    lines = {name: [(each, getattr(tally, name)) for each, tally in curve] for name in ("precision", "recall", "f1")}
    best, tally = result.judged.best
    title = f"{result.provider}: which threshold is best? F1 is {tally.f1:.3f} at {best:.3f}"
    marks = {"in the service": result.judged.thresholds.first, "best F1": best}
    return Drawing(title, "cosine from which a face counts", "share", lines, marks=marks)


def sheets(result: EngineResult, folder: Path) -> None:
    """Write the worst confusions as contact sheets, each portrait followed by the face."""
    for name, confusions in (("wrong", result.judged.wrong), ("missed", result.judged.missed)):
        if confusions:
            tiles = [tile for each in confusions for tile in _tiles(each)]
            (folder / f"{name}-{result.provider}.jpg").write_bytes(contact_sheet(tiles))


def _tiles(confusion: Confusion) -> tuple[Tile, Tile]:
    who = f"{confusion.who or 'no guest'}, {confusion.face.photo}  {confusion.cosine:.3f}"
    return Tile(confusion.portrait.thumbnail, confusion.portrait.guest), Tile(confusion.face.thumbnail, who)


def write_json(results: list[EngineResult], about: dict[str, Any], path: Path) -> None:
    """Write all numbers."""
    engines = {result.provider: _numbers(result) for result in results}
    path.write_text(json.dumps({**about, "engines": engines}, indent=1, ensure_ascii=False))


def _numbers(result: EngineResult) -> dict[str, Any]:
    judged, seen = result.judged, result.seen
    best, at_best = judged.best
    return {
        "engine_id": result.engine_id,
        "photos": len(seen.photos),
        "faces": len(seen.faces),
        "portraits": len(seen.portraits),
        "cpu_ms_per_photo": round(result.milliseconds, 1),
        "thresholds": asdict(judged.thresholds),
        "one_portrait": judged.single.told(),
        "all_portraits": judged.together.told(),
        "best": {"threshold": best, **at_best.told()},
        "appearances_without_a_face": judged.no_face,
        "curve": [{"threshold": threshold, **tally.told()} for threshold, tally in judged.curve],
        "by": {name: _classes(name, tallies) for name, tallies in judged.classes.items()},
        "wrong": [_confusion(each) for each in judged.wrong],
        "missed": [_confusion(each) for each in judged.missed],
        "problems": seen.problems,
    }


def _classes(name: str, tallies: list[Tally]) -> list[dict[str, Any]]:
    return [{"class": label, **tally.told()} for label, tally in zip(CLASSES[name].names, tallies, strict=True)]


def _confusion(confusion: Confusion) -> dict[str, Any]:
    return {
        "guest": confusion.portrait.guest,
        "portrait": confusion.portrait.file,
        "photo": confusion.face.photo,
        "cosine": round(confusion.cosine, 4),
        "who": confusion.who,
        **{name: round(value, 1) for name, value in asdict(confusion.face.measures).items()},
    }
