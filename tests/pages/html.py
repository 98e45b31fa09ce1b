"""What a browser sees of a page's forms, read from the HTML."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class HtmlForm:
    """A form: where it is sent, what a browser would send unchanged, its inputs and what is written at them."""

    action: str
    sent: dict[str, list[str]] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def with_value(self, name: str, value: str | list[str]) -> dict[str, list[str]]:
        """Return what a browser sends after a person changed one input; a list ticks these boxes."""
        return {**self.sent, name: value if isinstance(value, list) else [value]}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.by_id: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, str]]] = []
        self._label = ""
        self._legend: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in ("input", "meta", "link", "img", "br"):
            self._open.append((tag, given))
        if tag == "form":
            self.forms.append(HtmlForm(given.get("action", "")))
        if tag == "input" and self.forms and "name" in given:
            self._input(self.forms[-1], given)

    def _input(self, form: HtmlForm, given: dict[str, str]) -> None:
        name, box = given["name"], given.get("type") in ("radio", "checkbox")
        form.attributes.setdefault(name, given)
        if not box or "checked" in given:
            form.sent.setdefault(name, []).append(given.get("value", "on" if box else ""))
        if box and self._legend is not None:
            form.labels.setdefault(name, self._legend)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "fieldset":
            self._legend = None

    def handle_data(self, data: str) -> None:
        written = data.strip()
        if not written or not self._open:
            return
        tag, given = self._open[-1]
        if "id" in given:
            self.by_id[given["id"]] = written
        if tag == "legend":
            self._legend = written
        if tag == "label" and "for" in given and self.forms:
            self.forms[-1].labels[given["for"]] = written


def forms_of(page: str) -> list[HtmlForm]:
    """Return the forms of a page."""
    return _read(page).forms


def written_at(page: str, element_id: str) -> str:
    """Return the text of the element with this id, or an empty text."""
    return _read(page).by_id.get(element_id, "")


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader
