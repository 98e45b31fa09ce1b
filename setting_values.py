"""How the values of settings are read and checked: lists, addresses, the key that a first start makes."""

import importlib.util
import os
import secrets
import socket
from email.utils import getaddresses
from pathlib import Path
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def listed(value: str) -> list[str]:
    """Return the parts of a text that commas separate."""
    return [part.strip() for part in value.split(",") if part.strip()]


def is_origin(value: str) -> bool:
    """Return whether `value` is scheme, host and port of a web address, and nothing more."""
    try:
        parts = urlsplit(value)
        _ = parts.port
        # Refuses empty and too long parts of a name, which a client finds at its first call only.
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not any(character.isspace() for character in value)
        and "@" not in parts.netloc
        and value == f"{parts.scheme}://{parts.netloc}"
    )


def is_installed(module: str) -> bool:
    """Return whether a module, given by its dotted name, can be imported; it is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def is_ascii_address(value: str) -> bool:
    """Tell whether `value` is one address, perhaps with a name; its domain may be an international one."""
    found = getaddresses([value])
    if len(found) != 1 or not value.isprintable():
        return False
    try:
        address = validate_email(found[0][1], check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return False
    return address.ascii_email is not None


def kept_key(path: Path) -> str:
    """Return the key in a file; the first call makes both, readable by the owner alone."""
    draft = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        # A hard link never replaces a file: two first starts at once end up with the same key.
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
