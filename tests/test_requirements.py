"""What is installed: every package locked to its hashes, and nothing installed when one does not fit."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LISTS = sorted(path.stem for path in ROOT.glob("requirements*.in"))


def pins(text: str) -> dict[str, str]:
    """Return name and version of each package that a list names."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,]+\])?==([^\s;\\]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@pytest.mark.parametrize("name", LISTS)
def test_a_compiled_list_holds_what_was_chosen(name: str) -> None:
    chosen, compiled = ((ROOT / f"{name}.{ending}").read_text() for ending in ("in", "txt"))
    assert pins(chosen)
    assert pins(chosen).items() <= pins(compiled).items(), "run `make lock`"


@pytest.mark.parametrize("name", LISTS)
def test_every_locked_package_has_hashes_and_names_no_place(name: str) -> None:
    compiled = (ROOT / f"{name}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=[A-Za-z0-9])", compiled) if entry[0].isalnum()]
    assert len(entries) >= len(pins(compiled))
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links|[ \t]/\S+", compiled) == []


def test_the_lists_agree_on_what_they_share() -> None:
    run, dev, bench = (
        pins((ROOT / f"{name}.txt").read_text())
        for name in ("requirements", "requirements-dev", "requirements-bench")
    )
    both = run.keys() & dev.keys()
    assert both
    assert {name: dev[name] for name in both} == {name: run[name] for name in both}
    assert {name: bench[name] for name in bench.keys() & dev.keys()}.items() <= dev.items()
    assert {name: bench[name] for name in bench.keys() & run.keys()}.items() <= run.items()


def wheel(folder: Path, name: str, version: str = "1.0") -> str:
    """Write a wheel with one empty module, and return its SHA-256."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{file},sha256={urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}"
        for file, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_environment(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `make .venv/.run` in a folder, with the wheels beside it and no network."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE", "MFLAGS"))
    }
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    command = ["make", ".venv/.run", f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.server
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_package_that_does_not_fit_its_hash_is_not_installed_nor_any_other(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    good, better, other = (wheel(tmp_path, *each) for each in (("alpha", "1.0"), ("alpha", "2.0"), ("beta", "1.0")))
    locked, stamp = tmp_path / "requirements.txt", tmp_path / ".venv" / ".run"

    def installed() -> set[str]:
        return {
            path.name for path in tmp_path.glob(".venv/lib/*/site-packages/*.dist-info") if "pip" not in path.name
        }

    locked.write_text(f"alpha==1.0 --hash=sha256:{good}\n")
    assert make_environment(tmp_path).returncode == 0
    made = stamp.stat().st_mtime_ns
    before = {name for name in installed() if name.startswith("alpha")}
    assert before == {"alpha-1.0.dist-info"}

    # Both files are younger than the stamp: make has to install.
    locked.write_text(f"alpha==2.0 --hash=sha256:{better}\nbeta==1.0 --hash=sha256:{'0' * 64}\n")
    os.utime(locked, ns=(made + 10**9, made + 10**9))
    refused = make_environment(tmp_path)
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert "requirements.txt is not installed" in refused.stderr
    assert "is as it was before" in refused.stderr
    assert "alpha-1.0.dist-info" in installed()
    assert not {"alpha-2.0.dist-info", "beta-1.0.dist-info"} & installed()
    assert stamp.stat().st_mtime_ns == made, "make takes the environment for finished"

    locked.write_text(f"alpha==2.0 --hash=sha256:{better}\nbeta==1.0 --hash=sha256:{other}\n")
    os.utime(locked, ns=(made + 10**9, made + 10**9))
    assert make_environment(tmp_path).returncode == 0
    assert {"alpha-2.0.dist-info", "beta-1.0.dist-info"} <= installed()
