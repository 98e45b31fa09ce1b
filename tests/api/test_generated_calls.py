"""Whatever is sent, no call fails, and each answer is one that OpenAPI documents."""

import os
import time

import pytest

from testkit.world import World
from tests.api.generated import Generated

# How long the long test runs, and with which number it begins: every number sends other requests.
SECONDS = float(os.environ.get("GENERATED_SECONDS", "1200"))
FIRST = int(os.environ.get("GENERATED_FIRST", "1000"))


# No generated code is that of an authenticator app; the walk of the access table carries these out.
NEED_AN_APP = {"POST /api/me/second-factor/confirm", "POST /api/me/second-factor/recovery-codes"}


def judge(generated: Generated, *, may_fail: int = 0) -> None:
    """Fail on a wrong answer, and if more than `may_fail` calls never succeeded."""
    report = "\n".join(f"{problem}\n    {request}" for problem, request in sorted(generated.problems.items()))
    assert not generated.problems, f"{len(generated.problems)} kinds in {generated.sent} requests\n{report}"
    never = [call for call in generated.calls if not generated.succeeded[call] and call not in NEED_AN_APP]
    assert len(never) <= may_fail, f"none of {generated.sent} requests succeeded at {never}"


# Half a minute of processor time: more than the usual two minutes on a machine that others use too.
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.long
def test_every_answer_to_a_generated_request_is_documented(world: World) -> None:
    generated = Generated(world)
    generated.sample(3, further=3)
    judge(generated, may_fail=3)


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 300)
def test_every_answer_is_documented_for_twenty_minutes(world: World) -> None:
    generated, end = Generated(world), time.monotonic() + SECONDS
    number = FIRST
    while time.monotonic() < end:
        generated.run(number, examples=12, until=end)
        number += 1
    print(f"{generated.sent} requests, numbers {FIRST} to {number - 1}")  # noqa: T201
    judge(generated)
