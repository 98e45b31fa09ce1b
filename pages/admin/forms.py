"""Forms of administrators: a table of fields from which a form is shown, read, judged and compared."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from api.events.fields import Clearable
from api.forms import read_form
from pages.i18n import text
from pages.redirects import redirect_with_flash

# Characters kept of a field whose length the API does not limit: dates, choices.
MAX_KEPT = 64
# Characters kept of a field with many values: 100 ids.
MAX_KEPT_MANY = 1500
NOTHING = "–"


async def _sent(request: Request) -> FormData:
    return await read_form(request)


Sent = Annotated[FormData, Depends(_sent)]
Typed = Mapping[str, str]


def text_in(sent: FormData, name: str) -> str:
    """Return a field as it was typed, or an empty text if the form does not have it."""
    value = sent.get(name)
    return value if isinstance(value, str) else ""


def join_ids(ids: Iterable[str]) -> str:
    """Return numbers as the form keeps them: in their order, separated by commas."""
    return ",".join(sorted(ids, key=lambda each: (len(each), each)))


class FieldProblem(ValueError):
    """The value cannot be used. `problem` ends the key of the text that says why: `admin.problem.…`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(slots=True)
class Judged:
    """The values of a form that can be saved, and the names of the texts `admin.problem.…` about the others."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def _as_typed(typed: str, _: Typed) -> Any:
    return typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form.

    `name` is the field of the API's payload, of the stored row, of the HTML input and of the flash.
    `problem.<name>` in the texts says that a value is not valid, `other_problems` are said at the same field.
    """

    name: str
    # Keys of texts. A choice has one more text for each option: `<label>.<option>`.
    label: str
    hint: str = ""
    # "choice" (one of `options`), "photographers", or the type of an <input>.
    widget: str = "text"
    options: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    initial: str = ""
    # An empty input leaves the saved value. Else it clears the value if the payload says so, and is not valid if not.
    optional: bool = False
    many: bool = False
    # Never sent back to the browser.
    secret: bool = False
    min_length: int = 0
    other_problems: tuple[str, ...] = ()
    # This field is saved again when one of these changes.
    depends_on: tuple[str, ...] = ()
    # From the text typed (and the whole form) to the payload; from the row to the input; from the row to a sentence.
    read: Callable[[str, Typed], Any] = _as_typed
    input_value: Callable[[Any], str] | None = None
    in_words: Callable[[str, Any], str] | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """The names of every problem that is said at this field; a choice cannot be wrong."""
        return self.other_problems if self.options else (self.name, *self.other_problems)

    def value_of(self, row: Any) -> str:
        """Return the saved value as the input shows it."""
        return self.input_value(row) if self.input_value else str(getattr(row, self.name) or "")

    def words_of(self, language: str, row: Any) -> str:
        """Return the saved value as a person reads it."""
        return (self.in_words(language, row) if self.in_words else self.value_of(row)) or NOTHING


@dataclass(frozen=True)
class Form:
    """Fields in rows, and the API's payload that says which values are valid."""

    model: type[BaseModel]
    rows: tuple[tuple[Field, ...], ...]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All fields, in the order in which the form shows them."""
        return tuple(chain.from_iterable(self.rows))

    @cached_property
    def _schema(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.model.model_json_schema()["properties"]
        return properties

    def max_length(self, each: Field) -> int:
        """Return how many characters the API accepts in a field, or 0 if it has no limit."""
        schema = self._schema[each.name]
        return max(int(part.get("maxLength", 0)) for part in (schema, *schema.get("anyOf", ())))

    def is_required(self, each: Field) -> bool:
        """Tell whether an empty input is not valid."""
        return not (each.optional or each.many or self._is_clearable(each))

    def _is_clearable(self, each: Field) -> bool:
        return any(isinstance(part, Clearable) for part in self.model.model_fields[each.name].metadata)

    def attributes(self, each: Field) -> dict[str, str]:
        """Return the HTML attributes of a field's input."""
        limits = {"maxlength": self.max_length(each), "minlength": each.min_length}
        return {**{name: str(limit) for name, limit in limits.items() if limit}, **each.attributes}

    def initial_values(self) -> dict[str, str]:
        """Return what the inputs of a new form show."""
        return {each.name: each.initial for each in self.fields}

    def values_of(self, row: Any) -> dict[str, str]:
        """Return a saved row as the inputs show it."""
        return {each.name: each.value_of(row) for each in self.fields if not each.secret}

    def saved_values(self, language: str, row: Any) -> dict[str, tuple[str, str]]:
        """Return the label of each field and its saved value in words."""
        return {each.name: (text(language, each.label), each.words_of(language, row)) for each in self.fields}

    def typed(self, sent: FormData) -> dict[str, str]:
        """Return what was typed into each field. A text that is too long stays too long."""
        return {each.name: self._typed(sent, each) for each in self.fields}

    def _typed(self, sent: FormData, each: Field) -> str:
        if each.secret:
            return text_in(sent, each.name)
        if each.many:
            values = [value for value in sent.getlist(each.name) if isinstance(value, str)]
            return join_ids(values)[:MAX_KEPT_MANY]
        return text_in(sent, each.name).strip()[: (self.max_length(each) or MAX_KEPT) + 1]

    def to_show_again(self, typed: Typed) -> dict[str, str]:
        """Return what a form that comes back shows: everything typed but secrets."""
        return {each.name: typed[each.name] for each in self.fields if each.name in typed and not each.secret}

    def changed(self, before: Mapping[str, Any], typed: Typed) -> dict[str, str]:
        """Return the fields that differ from `before`: the values that the form showed when it was opened."""
        names = {name for name, value in typed.items() if before.get(name) != value}
        return {
            each.name: typed[each.name] for each in self.fields if each.name in names or names & {*each.depends_on}
        }

    def overtaken(self, before: Mapping[str, Any], given: Typed, now: Typed) -> list[str]:
        """Return the fields in `given` that another admin changed to another value since the form was opened."""
        return [name for name, value in given.items() if before.get(name, now[name]) != now[name] != value]

    def judge(self, given: Typed, typed: Typed) -> Judged:
        """Judge the fields in `given` by the rules of the API; `typed` is the whole form."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for each in self.fields:
            if each.name not in given or (not given[each.name] and each.optional):
                continue
            try:
                values[each.name] = self._read(each, given[each.name], typed)
            except FieldProblem as found:
                problems.append(found.problem)
        judged = self._check(values)
        return Judged(judged.values, [*problems, *judged.problems])

    def _read(self, each: Field, typed: str, form: Typed) -> Any:
        if not typed and self._is_clearable(each):
            return None
        if len(typed) < each.min_length:
            raise FieldProblem(each.name)
        return each.read(typed, form)

    def _check(self, values: Mapping[str, Any]) -> Judged:
        try:
            good = self.model(**values)
        except ValidationError as error:
            return Judged(problems=sorted({str(problem["loc"][0]) for problem in error.errors()}))
        return Judged({name: getattr(good, name) for name in values})


def shown_before(sent: FormData) -> dict[str, Any]:
    """Return the values that the form showed when it was opened, from its hidden field `before`."""
    before: Any = None
    with suppress(ValueError, RecursionError):
        before = json.loads(text_in(sent, "before"))
    return before if isinstance(before, dict) else {}


def refused(request: Request, path: str, problems: list[str], typed: Typed) -> Response:
    """Redirect to the form, which shows the problems and what was typed."""
    return redirect_with_flash(request, path, problems=problems, **typed)
