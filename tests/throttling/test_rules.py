"""What is counted, and for whom."""

from pathlib import Path

import pytest

import errors
from settings import get_settings
from tests.throttling.clock import counted
from throttling import rules


def test_a_call_that_was_answered_503_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "rate_selfie_checks_minute", 2)
    with counted(tmp_path / "limits.db") as clock:
        for _ in range(5):
            rules.count(rules.SELFIE_CHECKS, "192.0.2.1")
            rules.give_back(rules.SELFIE_CHECKS, "192.0.2.1")
        for _ in range(2):
            rules.count(rules.SELFIE_CHECKS, "192.0.2.1")
        clock.pass_(20)
        with pytest.raises(errors.TooManyRequests) as refused:
            rules.count(rules.SELFIE_CHECKS, "192.0.2.1")
        assert refused.value.headers == {"Retry-After": "40"}
