"""The model files of installed packages: finds them without importing the package, and checks their SHA-256."""

import hashlib
import importlib.util
from pathlib import Path

from faces.engine import EngineUnavailable


def package_folder(package: str, advice: str) -> Path:
    """Return the folder of an installed package. Nothing of it is imported.

    Raises:
        EngineUnavailable: the package is not installed; the message ends with `advice`.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise EngineUnavailable(f"the package {package} is missing: {advice}")
    return Path(found.submodule_search_locations[0])


def checked(path: Path, sha256: str, advice: str) -> bytes:
    """Return the content of a file after a check of its SHA-256.

    Raises:
        EngineUnavailable: the file cannot be read, or its sum is another one; the message ends with `advice`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineUnavailable(f"{path.name} cannot be read: {advice}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EngineUnavailable(f"{path.name} is damaged: {advice}")
    return content
