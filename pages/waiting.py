"""Parts of pages that answer when they have changed: the mark of what the script shows, and how long it waits."""

import hashlib
import json
from typing import Annotated, Any

from fastapi import Query

from api.waiting import LONGEST_WAIT

AskedWait = Annotated[int, Query(alias="wait", ge=0, le=LONGEST_WAIT)]
KnownMark = Annotated[str, Query(alias="known", max_length=32)]
# After how many seconds a script asks again that could not wait, because too many do.
REFUSED_POLL = 8


def mark_of(content: Any) -> str:
    """Return a short text that is another one whenever the content is."""
    return hashlib.blake2b(json.dumps(content, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
