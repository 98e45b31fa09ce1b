"""A master key that is missing, another one, or changed while the service runs; and copies of the key store."""

import logging
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from database import reading
from encryption import backup, keys, master, rotate, store
from encryption.master import KeysUnavailable
from encryption.store import NoSuchKey
from encryption.templates import reading_cipher
from guests import erasure
from jobs import queue
from matching import matrices
from selfies import files
from settings import UnsafeSettings, get_settings
from testkit.deployed import make_bucket, s3_server
from tests.encryption.conftest import Party
from tests.jobs.rows import found_by, send_photo, send_selfie, work

OLD, NEW, THIRD = "an old master key of forty characters...", "a new master key of forty characters....", "x" * 40


@pytest.fixture
def environment(party: Party, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A way to set the settings of keys; afterwards the key store needs the former master key again."""
    with reading() as session:
        name = keys.of_event(session, party.event.id) or ""
    folder = Path(store.url().removeprefix("file://"))
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    assert keys.key(name)
    keys.start_anew()
    yield monkeypatch
    monkeypatch.undo()
    shutil.rmtree(folder, ignore_errors=True)
    copy.rename(folder)
    keys.start_anew()
    matrices.clear()


def use(patch: pytest.MonkeyPatch, key: str = "", previous: str = "", file: str = "") -> None:
    """Set the settings, as in a process that has just started."""
    for name, value in (("master_key", key), ("master_key_previous", previous), ("master_key_file", file)):
        patch.setattr(get_settings(), name, value)
    keys.start_anew()
    matrices.clear()


def portrait(party: Party) -> bytes:
    return files.read(str(party.selfie_of(party.amy).storage_key))


def unusable(party: Party) -> str:
    """Return why a portrait cannot be read; nothing that needs a key works."""
    with pytest.raises(KeysUnavailable) as reason:
        portrait(party)
    with pytest.raises(KeysUnavailable):
        send_selfie(party.amy, 1)
    with reading() as session, pytest.raises(KeysUnavailable):
        reading_cipher(session, party.event.id)
    return str(reason.value)


def test_another_master_key_serves_nothing_that_needs_it_and_loses_nothing(
    party: Party, environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reperio.keys")
    use(environment, NEW)
    photo_id = send_photo(party.event, 1)
    assert "the master key is another one" in unusable(party)
    # A job that needs a key goes back and counts no attempt.
    held = queue.claim_next()
    assert held is not None
    queue.release(held, "keys")
    use(environment)
    work()
    assert found_by(party.amy, party.event) == {party.photo_id, photo_id}
    lines = [each.message for each in caplog.records if each.name == "reperio.keys"]
    assert [line[:22] for line in lines] == ["Keys are not available"]


def test_a_missing_file_of_the_master_key_is_told_and_its_return_noticed(
    party: Party, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "master"
    use(environment, file=str(file))
    assert unusable(party) == f"the file of the master key {file} is missing"
    assert not file.exists(), "none is made where something is encrypted with another one"
    file.write_text("short")
    assert "at least 32 characters" in unusable(party)
    file.write_text(get_settings().secret_key)
    assert portrait(party).startswith(b"\xff\xd8")
    file.unlink()
    assert portrait(party).startswith(b"\xff\xd8"), "a running process still has the key"


def test_a_new_installation_makes_the_file_of_its_master_key(
    party: Party, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setattr(get_settings(), "key_store_url", (tmp_path / "store").as_uri())
    file = tmp_path / "secrets" / "master"
    environment.setattr("encryption.queries.needs_keys", lambda _: False)
    use(environment, file=str(file))
    keys.check()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text()) >= 32


def test_an_empty_key_store_is_not_taken_for_a_new_one(
    party: Party, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setattr(get_settings(), "key_store_url", (tmp_path / "elsewhere").as_uri())
    use(environment)
    assert "is empty, and the database needs its keys" in unusable(party)
    environment.setattr(get_settings(), "key_store_url", "")
    assert portrait(party)


def test_a_key_store_that_vanishes_is_not_taken_for_destroyed_keys(
    party: Party, environment: pytest.MonkeyPatch
) -> None:
    keys.check()
    folder = Path(store.url().removeprefix("file://"))
    moved = folder.rename(folder.with_name("moved"))
    with pytest.raises(KeysUnavailable, match="is empty"):
        portrait(party)
    shutil.rmtree(folder, ignore_errors=True)
    moved.rename(folder)
    assert portrait(party)


# --- rotation --------------------------------------------------------------------------------------------


def test_the_master_key_is_changed_in_the_environment(party: Party, environment: pytest.MonkeyPatch) -> None:
    secret = get_settings().secret_key
    use(environment, NEW)
    with pytest.raises(KeysUnavailable, match="MASTER_KEY_PREVIOUS"):
        rotate.rotate(pause=0)
    use(environment, NEW, secret)
    assert portrait(party)
    assert rotate.rotate(pause=0) >= 4
    assert rotate.rotate(pause=0) == 0
    use(environment, NEW)
    assert portrait(party)
    send_selfie(party.amy, 1)
    photo_id = send_photo(party.event, 1)
    work()
    assert photo_id in found_by(party.amy, party.event)
    use(environment)
    assert "another one" in unusable(party)
    use(environment, THIRD, OLD)
    with pytest.raises(KeysUnavailable):
        rotate.rotate(pause=0)


def test_a_change_of_the_file_that_is_interrupted_goes_on(
    party: Party, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "master"
    file.write_text(get_settings().secret_key)
    use(environment, file=str(file))
    assert portrait(party)
    real, done = store.change_master, list[str]()

    def once(name: str, masters: list[master.MasterKey]) -> bool:
        if done:
            raise KeysUnavailable("the machine stops")
        done.append(name)
        return real(name, masters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "change_master", once)
        with pytest.raises(KeysUnavailable, match="the machine stops"):
            rotate.rotate(pause=0)
    lines = file.read_text().splitlines()
    assert (len(lines), lines[1]) == (2, get_settings().secret_key)
    # This process goes on, and makes new keys, in the middle of it.
    keys.forget()
    assert portrait(party)
    send_selfie(party.bob, 2)
    work()
    rotate.rotate(pause=0)
    assert file.read_text().splitlines() == lines[:1]
    assert file.stat().st_mode & 0o777 == 0o600
    keys.forget()
    assert portrait(party), "a process that had the former master key reads the file again"
    use(environment)
    assert "another one" in unusable(party)


# --- copies of the key store ---------------------------------------------------------------------------


def test_a_copy_brings_back_what_is_missing_and_not_what_was_destroyed(
    party: Party, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bob = keys.of_portrait(str(party.selfie_of(party.bob).storage_key))
    amy = keys.of_portrait(str(party.selfie_of(party.amy).storage_key))
    number = backup.take(tmp_path / "copy")
    assert number >= 3
    assert not any(each.stat().st_mode & 0o077 for each in (tmp_path / "copy").rglob("*"))
    with pytest.raises(FileExistsError):
        backup.take(tmp_path / "copy")
    erasure.erase_guest(party.bob.id)
    folder = Path(store.url().removeprefix("file://"))
    lost = folder.rename(folder.with_name("lost"))
    keys.start_anew()
    assert "is empty" in unusable(party)
    assert 0 < backup.restore(tmp_path / "copy") < number
    assert portrait(party)
    assert (store.has(amy), store.has(bob)) == (True, False)
    assert backup.restore(tmp_path / "copy") == 0
    with pytest.raises(OSError, match=r"\.check"):
        backup.restore(tmp_path / "nowhere")
    shutil.rmtree(lost)


@pytest.mark.parametrize("both", [{"MASTER_KEY": "short"}, {"MASTER_KEY": NEW, "MASTER_KEY_FILE": "x"}])
def test_unsafe_settings_are_refused(both: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    get_settings.cache_clear()
    for name, value in both.items():
        monkeypatch.setenv(name, value)
    try:
        with pytest.raises(UnsafeSettings, match="MASTER_KEY"):
            get_settings()
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


@pytest.mark.long
def test_keys_lie_in_the_bucket_of_the_storage_unless_another_place_is_named(
    party: Party, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("moto")
    with s3_server(tmp_path) as given:
        for name, value in given.items():
            environment.setenv(name, value)
        # Another name each time: a process keeps its connection to a bucket.
        bucket = f"kept-{secrets.token_hex(4)}"
        make_bucket(given, bucket)
        environment.setattr(get_settings(), "storage_url", f"s3://{bucket}")
        environment.setattr("encryption.queries.needs_keys", lambda _: False)
        use(environment)
        made = keys.ensure("events/one")
        assert storage.exists("keys/events/one")
        keys.start_anew()
        assert keys.key("events/one") == made
        assert [name for batch in store.names() for name, _ in batch] == ["events/one"]
        assert [each for batch in storage.objects(9) for each in batch] == [], "no sweep of pictures sees them"
        keys.destroy(["events/one"])
        with pytest.raises(NoSuchKey):
            keys.key("events/one")
        storage.delete([f"keys/{store.CHECK}"])
        with pytest.raises(KeysUnavailable, match="is empty"):
            keys.key("events/one")
