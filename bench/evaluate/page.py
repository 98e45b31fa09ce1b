"""The results as one HTML page that needs no other file."""

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.evaluate.face_measures import CLASSES
from bench.evaluate.judging import Confusion
from bench.evaluate.results import EngineResult
from bench.pages import data_url
from bench.tally import Tally

STYLE = """:root{--paper:#fbfaf8;--ink:#1c1b1a;--quiet:#6b6762;--line:#e5e1db;--accent:#b4431f}
@media(prefers-color-scheme:dark){:root{--paper:#141414;--ink:#f1efec;--quiet:#a09b95;--line:#2c2a28;--accent:#f08a5d}}
*{box-sizing:border-box}body{margin:0 auto;padding:32px 16px 64px;max-width:1080px;font:16px/1.5 system-ui,sans-serif;
background:var(--paper);color:var(--ink)}
h1{font-size:40px;line-height:1.15;margin:0 0 8px}h2{font-size:28px;line-height:1.15;margin:56px 0 8px}
h3{font-size:20px;line-height:1.15;margin:32px 0 8px}p{max-width:70ch;margin:0 0 16px}.quiet{color:var(--quiet)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:8px 12px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--quiet);font-weight:500;vertical-align:bottom}
td.first{font-weight:600}.figures{display:flex;flex-wrap:wrap;gap:12px 40px;margin:24px 0 8px;padding:0;
list-style:none}.figures b{display:block;font-size:28px;line-height:1.15}.plot{display:block;width:100%;height:auto;
background:#fff;
border:1px solid var(--line);border-radius:10px;margin:0 0 16px}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(232px,1fr));gap:16px;margin:0;padding:0;list-style:none}
.pairs figure{margin:0;border:1px solid var(--line);border-radius:10px;overflow:hidden}
.pairs .two{display:grid;grid-template-columns:1fr 1fr;gap:2px}.pairs img{display:block;width:100%;aspect-ratio:1}
figcaption{padding:8px 12px;font-size:14px;line-height:1.4}figcaption b{font-variant-numeric:tabular-nums;float:right}
code{font-size:14px}li{overflow-wrap:anywhere}"""
Row = Sequence[str]


def page(results: list[EngineResult], about: dict[str, Any], files: dict[str, Path]) -> str:
    """Return the page; `about` has the folder and the counts, `files` the plots by name."""
    providers = ", ".join(result.provider for result in results)
    body = [
        "<h1>How well are people found?</h1>",
        f"<p class=quiet>{_text(about['folder'])}, by {_text(providers)}</p>",
        _figures(about),
        "<h2>At the service’s own threshold</h2>",
        "<p>Matched as in the service. “One portrait”: each guest has sent one selfie. If guests have several, an "
        "event is simulated with each, and the sum is shown. “All portraits”: each guest has sent all selfies.</p>",
        _summary(results, about),
        "<h2>Over all thresholds</h2>",
        "<p>One portrait at a time. The second pass is stricter by the same margin as in the service.</p>",
        _plot(files["precision-recall"]),
        *(_plot(files[f"thresholds-{result.provider}"]) for result in results),
        "<h2>Which faces are hard?</h2>",
        "<p>Recall counts the guests’ faces in a class, precision the faces matched. The truth names guests, not "
        "faces: in each photo, the guests named are assigned to faces, the most similar pair first.</p>",
        *(_class(name, results, files[f"by-{name}"]) for name in CLASSES),
        *(_confusions(result) for result in results),
        _problems(results, about),
    ]
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f"{head}<title>How well are people found?</title><style>{STYLE}</style>{''.join(body)}</html>\n"


def _text(value: object) -> str:
    return html.escape(str(value))


def _figures(about: dict[str, Any]) -> str:
    items = [f"<li><b>{about[name]:,}</b>{name}" for name in ("guests", "portraits", "photos", "appearances")]
    return f"<ul class=figures>{''.join(items)}</ul>"


def _table(head: Row, rows: Sequence[Row]) -> str:
    heads = "".join(f"<th>{_text(each)}" for each in head)
    lines = [
        "<tr>" + "".join(f"<td{' class=first' if not place else ''}>{_text(each)}" for place, each in enumerate(row))
        for row in rows
    ]
    return f"<div class=scroll><table><tr>{heads}{''.join(lines)}</table></div>"


def _shares(tally: Tally) -> list[str]:
    return [f"{tally.precision:.3f}", f"{tally.recall:.3f}", f"{tally.f1:.3f}"]


def _summary(results: list[EngineResult], about: dict[str, Any]) -> str:
    head = ["", "threshold", "precision", "recall", "F1", "wrong", "missed", "best F1", "at", "faces", "CPU a photo"]
    rows = []
    for result in results:
        best, at_best = result.judged.best
        several = about["portraits"] > about["guests"]
        ways = [("one portrait", result.judged.single), ("all portraits", result.judged.together)]
        for name, tally in ways if several else ways[:1]:
            alone = name == "one portrait"
            rows.append(
                [
                    f"{result.provider}, {name}",
                    f"{result.judged.thresholds.first:.3f}",
                    *_shares(tally),
                    f"{tally.claimed - tally.right:,}",
                    f"{tally.there - tally.right:,}",
                    *([f"{at_best.f1:.3f}", f"{best:.3f}"] if alone else ["", ""]),
                    *([f"{len(result.seen.faces):,}", f"{result.milliseconds:,.0f} ms"] if alone else ["", ""]),
                ]
            )
    return _table(head, rows)


def _plot(path: Path) -> str:
    return f'<img class=plot alt="{path.stem}" src="{data_url("image/png", path.read_bytes())}">'


def _class(name: str, results: list[EngineResult], plot: Path) -> str:
    classes = CLASSES[name]
    rows = []
    for result in results:
        for label, tally in zip(classes.names, result.judged.classes[name], strict=True):
            recall = f"{tally.recall:.3f}" if tally.there else "–"
            precision = f"{tally.precision:.3f}" if tally.claimed else "–"
            counts = (f"{tally.there:,}", f"{tally.right:,}", recall, f"{tally.claimed:,}", precision)
            rows.append([f"{result.provider}, {label}", *counts])
    head = ["", "appearances", "found", "recall", "matches", "precision"]
    return f"<h3>{_text(classes.title)}</h3><p class=quiet>{_text(classes.unit)}</p>{_plot(plot)}{_table(head, rows)}"


def _confusions(result: EngineResult) -> str:
    judged, parts = result.judged, [f"<h2>The worst confusions of {_text(result.provider)}</h2>"]
    number = judged.single.claimed - judged.single.right
    if judged.wrong:
        parts.append(f"<h3>Wrong matches: {number:,} in all, the most similar first</h3>")
        parts.append(_pairs(judged.wrong, _of_wrong))
    else:
        parts.append("<p>No wrong matches.</p>")
    if judged.missed:
        missing = judged.single.there - judged.single.right
        without = f", {judged.no_face:,} of them because no face was detected" if judged.no_face else ""
        parts.append(f"<h3>Missed matches: {missing:,} in all{without}, the least similar first</h3>")
        parts.append(_pairs(judged.missed, _of_missed))
    return "".join(parts)


def _of_wrong(confusion: Confusion) -> str:
    who = f"shows {confusion.who}" if confusion.who else "shows no guest"
    return f"Matched with {confusion.portrait.guest}; the face in {confusion.face.photo} {who}"


def _of_missed(confusion: Confusion) -> str:
    return (
        f"{confusion.portrait.guest} is in {confusion.face.photo} but was not matched; the face is the most similar "
        "one there that is not assigned to another guest"
    )


def _pairs(confusions: list[Confusion], told: Callable[[Confusion], str]) -> str:
    items = []
    for each in confusions:
        pictures = "".join(
            f'<img alt="" src="{data_url("image/jpeg", data)}">'
            for data in (each.portrait.thumbnail, each.face.thumbnail)
        )
        measures = each.face.measures
        caption = f"<b>{each.cosine:.3f}</b>{_text(told(each))}"
        small = f"{measures.size:.0f} px, turned by about {measures.yaw:.0f}°"
        items.append(
            f"<li><figure><div class=two>{pictures}</div><figcaption>{caption}"
            f"<br><span class=quiet>{small}</span></figcaption></figure>"
        )
    return f"<ul class=pairs>{''.join(items)}</ul>"


def _problems(results: list[EngineResult], about: dict[str, Any]) -> str:
    lines = [f"{name}: not in truth.json, left out" for name in about["unknown_photos"]]
    for result in results:
        lines += [f"{name}: {reason} ({result.provider})" for name, reason in result.seen.problems.items()]
    if not lines:
        return ""
    items = "".join(f"<li>{_text(line)}" for line in lines)
    return f"<h2>Left out</h2><p>These files are not counted above.</p><ul>{items}</ul>"
