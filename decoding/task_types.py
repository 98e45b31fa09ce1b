"""The types of what is done in child processes."""

from collections.abc import Callable
from typing import Any, TypeAlias

from faces.engine import FaceEngine

Values: TypeAlias = dict[str, Any]
Answer: TypeAlias = tuple[Values, bytes]
MakeEngine: TypeAlias = Callable[[], FaceEngine]
