"""Which trace and span a request id stands for."""

import re
from typing import Any

import pytest

from telemetry.ids import Place, caller_of, id_within, place_of
from telemetry.storage_calls import Call, collected, measured, record_collected
from tracing import SANE, request_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_new_request_id_is_the_id_of_its_trace() -> None:
    with request_id(None) as new:
        assert f"{place_of(new).trace:032x}" == new
        assert place_of(new) == place_of(new)
    seen = set()
    for _ in range(64):
        with request_id(None) as new:
            # The sampler takes the last 64 bits for a number; of a UUID the first two of these are always 10.
            seen.add(int(new[16], 16) >> 2)
    assert seen == {0, 1, 2, 3}


def test_an_id_within_a_callers_trace_fits_into_the_row_and_leads_back() -> None:
    made = id_within(Place(int(TRACE, 16), int(SPAN, 16)))
    assert SANE.fullmatch(made)
    assert place_of(made) == Place(int(TRACE, 16), int(made[33:], 16))


@pytest.mark.parametrize("given", ["mobile-1234", "0" * 32, f"{'0' * 32}-{SPAN}", f"{TRACE}-{'0' * 16}", "x"])
def test_any_other_id_stands_for_one_valid_span(given: str) -> None:
    place = place_of(given)
    assert place == place_of(given)
    assert 0 < place.trace < 1 << 128
    assert 0 < place.span < 1 << 64


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        "00-" + "é" * 32 + f"-{SPAN}-01",
    ],
)
def test_a_malformed_traceparent_names_nobody(header: str | None) -> None:
    assert caller_of(header) is None


def test_a_traceparent_names_the_caller() -> None:
    for header in (f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-01-more"):
        assert caller_of(header) == Place(int(TRACE, 16), int(SPAN, 16))


def test_calls_of_a_process_that_is_not_trusted_are_checked() -> None:
    @measured("put")
    def put() -> None:
        return

    with collected() as calls:
        put()
    good: list[Any] = list(calls[0])
    wrong: list[Any] = [
        ["drop", *good[1:]],
        [*good[:3], "fine"],
        ["put", 0, 5, "ok"],
        ["put", good[1], -5, "ok"],
        ["put", True, 5, "ok"],
        ["put", good[1] + 10**12, 5, "ok"],
        ["put", good[1], 5],
        "put",
        {"operation": "put"},
        ["put", [], 5, "ok"],
        [["put"], *good[1:]],
    ]
    with collected() as taken:
        record_collected([*wrong, good])
        record_collected("no list")
        record_collected([good] * 1000)
    assert taken[0] == Call(*good)
    assert len(taken) == 20
    assert re.fullmatch("put", taken[-1].operation)
