"""Shows measurements as PNG plots, as one self-contained HTML page, and as the table of the document."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from bench.report import Drawing, Measured, Result, bound, figure, verdict

BEGIN, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"
COLOURS = ("#2f6f9f", "#d9822b", "#4d9a6a", "#a05195")
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{padding:.35rem .6rem;border-bottom:1px solid #ddd;
text-align:left;vertical-align:top}td:nth-child(2){white-space:nowrap}.note{color:#666}.met{color:#2b7a4b}
.missed{color:#b3261e;font-weight:600}img{max-width:100%}"""


def draw(drawing: Drawing, path: Path) -> None:
    """Write one picture."""
    # matplotlib is installed only for measurements; tests of the rest run without it.
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(9, 4), dpi=110)
    axes = canvas.subplots()
    width = 0.8 / max(1, len(drawing.lines))
    for place, (name, points) in enumerate(drawing.lines.items()):
        x, y = [each[0] for each in points], [each[1] for each in points]
        colour = COLOURS[place % len(COLOURS)]
        if drawing.ticks:
            shift = (place - (len(drawing.lines) - 1) / 2) * width
            axes.bar([each + shift for each in x], y, width, label=name, color=colour)
        else:
            axes.plot(x, y, marker="o", label=name, color=colour)
    if drawing.ticks:
        axes.set_xticks(range(len(drawing.ticks)), drawing.ticks, rotation=30, ha="right", fontsize=8)
    if drawing.bound is not None:
        axes.axhline(drawing.bound, color="#b3261e", linestyle="--", label="bound")
    for style, (name, x_of_mark) in zip((":", "-."), drawing.marks.items(), strict=False):
        axes.axvline(x_of_mark, color="#6b6762", linestyle=style, label=f"{name}: {x_of_mark:.3f}")
    if drawing.logarithmic:
        axes.set_yscale("log")
    axes.set(title=drawing.title, xlabel=drawing.x_label, ylabel=drawing.y_label)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    canvas.tight_layout()
    canvas.savefig(path)


def of_bounds(parts: Sequence[Measured]) -> Drawing:
    """Return each figure divided by its bound: more than 1 is a miss."""
    judged = [
        (f"{part.part} {number}", each)
        for part in parts
        for number, each in enumerate(part.results, 1)
        if each.bound and part.part != "load_results"
    ]
    shares = [(float(place), _share(each)) for place, (_, each) in enumerate(judged)]
    names = [name for name, _ in judged]
    return Drawing(
        "How much of its bound each figure takes", "", "of the bound", {"measured": shares}, names, bound=1
    )


def _share(result: Result) -> float:
    assert result.bound
    return result.bound / result.value if result.at_least else result.value / result.bound


def pictures(parts: Sequence[Measured], folder: Path) -> dict[str, list[Path]]:
    """Draw everything; return each part's files, and under no name the one of all bounds."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"": [folder / "bounds.png"]}
    draw(of_bounds(parts), found[""][0])
    for part in parts:
        for number, drawing in enumerate(part.drawings, 1):
            path = folder / f"{part.part}-{number}.png"
            draw(drawing, path)
            found.setdefault(part.part, []).append(path)
    return found


def page(parts: Sequence[Measured], drawn: dict[str, list[Path]], machine: str) -> str:
    """Return the whole page, its pictures inside it."""
    body = [f"<h1>What was measured</h1><p>{html.escape(machine)}</p>"]
    body += [_image(path) for path in drawn.get("", [])]
    for part in parts:
        body.append(f"<h2>{part.part}</h2><p class=note><code>{part.command}</code>, {part.when}</p><table>")
        body.append("<tr><th>what<th>result<th>bound<th>")
        body += [_row(each) for each in part.results]
        body.append("</table>")
        body += [_image(path) for path in drawn.get(part.part, [])]
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f"{head}<title>What was measured</title><style>{STYLE}</style>{''.join(body)}</html>\n"


def _image(path: Path) -> str:
    return f'<p><img alt="{path.stem}" src="{data_url("image/png", path.read_bytes())}">'


def data_url(kind: str, data: bytes) -> str:
    """Return a picture of that media type as a `data:` URL, so that a page needs no other file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _row(result: Result) -> str:
    kind = {True: "met", False: "missed", None: "note"}[result.met]
    said = html.escape(verdict(result).replace("**", ""))
    note = f"<br><span class=note>{html.escape(result.note)}</span>" if result.note else ""
    cells = f"<td>{html.escape(result.name)}{note}<td>{figure(result)}<td>{bound(result)}<td class={kind}>{said}"
    return f"<tr>{cells}"


HEAD = ["| what | result | bound | | command |", "|---|---|---|---|---|"]


def table(parts: Sequence[Measured]) -> str:
    """Return the document's table: what, result, bound, verdict, command."""
    return "\n".join([*HEAD, *(line for part in parts for line in _lines(part))])


def _lines(part: Measured) -> list[str]:
    found = []
    for each in part.results:
        what = f"{each.name}: {each.note}" if each.note else each.name
        cells = (what.replace("|", "/"), figure(each), bound(each), verdict(each), f"`{part.command}`")
        found.append(f"| {' | '.join(cells)} |")
    return found


def renewed(document: str, parts: Sequence[Measured], machine: str, order: Sequence[str]) -> str:
    """Return the document with the rows of these parts replaced between its markers.

    Rows of parts that were not measured and text written by hand are kept.
    """
    before, _, rest = document.partition(BEGIN)
    old, _, after = rest.partition(END)
    measured = {part.part: _lines(part) for part in parts}
    rows: list[str] = []
    for name in order:
        kept = [line for line in old.splitlines() if line.endswith(f"| `python -m bench.{name}` |")]
        rows += measured.get(name, kept)
    return f"{before}{BEGIN}\n{machine}\n\n{chr(10).join([*HEAD, *rows])}\n{END}{after}"
