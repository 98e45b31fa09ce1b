"""Import from the predecessor's bucket, over S3 and from a folder."""

import importlib.util
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from migrations.legacy.__main__ import main
from migrations.legacy.ledger import Ledger
from migrations.legacy.pictures import Folder
from models import Photo, User
from testkit.deployed import make_bucket, s3_server
from tests.migrations.test_legacy import Old
from tests.migrations.test_legacy_rows import rows

SQLITE = pytest.mark.parametrize(("later", "target"), [("sqlite", "sqlite")], indirect=True)


@pytest.mark.server
@pytest.mark.skipif(importlib.util.find_spec("moto") is None, reason="moto is not installed")
@SQLITE
@pytest.mark.long
def test_photos_come_from_a_bucket_that_fails_and_returns(
    later: Old,
    target: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The service's own variables lead elsewhere.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    later.photo(20, s3_key="raw/event_5/20.jpg")
    command = [later.address, "--objects", "s3://predecessor"]
    assert main(command) == 1
    assert "the bucket of --objects cannot be read; run the command again to go on." in capsys.readouterr().err
    assert rows(User) == 0
    real = Ledger.keep
    with ExitStack() as server:
        filled_bucket(server, tmp_path, folder, monkeypatch)

        def stop(ledger: Ledger, table: str, source_id: int, target_id: int | None) -> None:
            real(ledger, table, source_id, target_id)
            if (table, source_id) == ("photos", 1):
                server.close()

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "keep", stop)
            assert main(command) == 1
        assert "run the command again to go on" in capsys.readouterr().err
        assert (rows(User), rows(Photo)) == (7, 1)
        filled_bucket(server, tmp_path, folder, monkeypatch)
        assert main(command) == 2
    output = capsys.readouterr().out
    assert "refused  photos 20: the bucket has no object 'raw/event_5/20.jpg'" in output
    assert "photos: 7 moved, 1 were here already" in output
    assert "1 refused" in output


def filled_bucket(stack: ExitStack, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start an S3 server until the stack closes, with the objects of a folder in its bucket `predecessor`."""
    environment = stack.enter_context(s3_server(tmp_path))
    make_bucket(environment, "predecessor")
    for name, value in environment.items():
        monkeypatch.setenv(f"OBJECTS_{name}", value)
    for path in folder.rglob("*.jpg"):
        key = path.relative_to(folder).as_posix()
        address = f"{environment['AWS_ENDPOINT_URL']}/predecessor/{key}"
        httpx2.put(address, content=path.read_bytes()).raise_for_status()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///nowhere/objects", "there is no folder /nowhere/objects"),
        ("nonsense", "--objects cannot be used"),
        ("ftp://there", "--objects cannot be used"),
    ],
)
@SQLITE
def test_objects_that_cannot_be_used_are_named(
    later: Old, target: Path, capsys: pytest.CaptureFixture[str], url: str, reason: str
) -> None:
    assert main([later.address, "--objects", url]) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("key", ["../secret.jpg", "/etc/hostname", "a/../../secret.jpg", "nul\0byte"])
def test_no_key_leads_out_of_the_folder_of_objects(tmp_path: Path, folder: Path, key: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    assert not Folder(folder).has(key)
    assert Folder(folder).content(key) == b""
