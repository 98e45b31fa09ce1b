"""The face engine sends no telemetry."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.servers import ROOT


@pytest.mark.server
def test_the_engine_sends_nothing_and_leaves_no_identifier(tmp_path: Path) -> None:
    # In CI the reports are off anyway.
    given = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    program = (
        "import sys, faces.networks; print([name for name in sys.modules if name.startswith('openvino_telemetry.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**given, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []
