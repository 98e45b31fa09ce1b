"""A process whose settings name one engine, for the tests of events that change engines."""

from dataclasses import replace

import pytest

from faces import providers
from faces.calibration import LOCAL
from tests.matching.engines import Process, ThirdEngine


@pytest.fixture
def process(quiet_database: None, monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setitem(providers.ENGINE_IDS, "third", ThirdEngine.engine_id)
    monkeypatch.setitem(providers.CALIBRATIONS, ThirdEngine.engine_id, replace(LOCAL))
    made = Process(monkeypatch)
    made.restart("fake")
    return made
