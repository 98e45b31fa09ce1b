"""The master keys: `MASTER_KEY`, or the lines of `MASTER_KEY_FILE`, else `SECRET_KEY`; then `MASTER_KEY_PREVIOUS`.

The first one encrypts data keys; the others only decrypt, until `python -m encryption.rotate` has changed all keys.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encryption.cipher import KEY_BYTES
from setting_values import kept_key
from settings import MIN_SECRET_LENGTH, ROOT, get_settings


class KeysUnavailable(Exception):
    """The keys cannot be had. The message says why in one line."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key, and the name that data keys encrypted with it carry."""

    name: str
    key: bytes


@lru_cache(maxsize=16)
def derived(text: str) -> MasterKey:
    """Return the master key that a text of the settings stands for (HKDF-SHA-256, RFC 5869)."""
    key = HKDF(hashes.SHA256(), KEY_BYTES, None, b"reperio master key").derive(text.encode())
    return MasterKey(hmac.digest(key, b"name", hashlib.sha256)[:8].hex(), key)


def path() -> Path | None:
    """Return the file of the master keys; None if the environment has them."""
    settings = get_settings()
    return (ROOT / settings.master_key_file).resolve() if settings.master_key_file else None


def configured() -> list[MasterKey]:
    """Return the master keys, the current one first.

    Raises:
        KeysUnavailable: the file is missing, cannot be read, or holds no key of 32 characters.
    """
    file, settings = path(), get_settings()
    previous = [settings.master_key_previous] if settings.master_key_previous else []
    if file is None:
        return [derived(each) for each in (settings.master_key or settings.secret_key, *previous)]
    return [derived(each) for each in (*lines_of(file), *previous)]


def lines_of(file: Path) -> list[str]:
    """Return the texts of a file of master keys.

    Raises:
        KeysUnavailable: it is missing, cannot be read, or holds no key of 32 characters.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError as error:
        raise KeysUnavailable(f"the file of the master key {file} is missing") from error
    except (OSError, ValueError) as error:
        raise KeysUnavailable(f"the file of the master key {file} cannot be read") from error
    if not lines or min(map(len, lines)) < MIN_SECRET_LENGTH:
        raise KeysUnavailable(f"{file} holds no master key: each line needs at least {MIN_SECRET_LENGTH} characters")
    return lines


def ensure() -> None:
    """Make `MASTER_KEY_FILE` if it is missing; only for an installation where nothing was encrypted yet.

    Raises:
        KeysUnavailable: it cannot be written.
    """
    file = path()
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            kept_key(file)
        except OSError as error:
            raise KeysUnavailable(f"the file of the master key {file} cannot be written") from error


def write(file: Path, texts: list[str]) -> None:
    """Replace the lines of a file of master keys at once; when this returns, they are on disk.

    Raises:
        KeysUnavailable: it cannot be written.
    """
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write("\n".join(texts) + "\n")
            target.flush()
            os.fsync(target.fileno())
        draft.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise KeysUnavailable(f"the file of the master key {file} cannot be written: {error.strerror}") from error
