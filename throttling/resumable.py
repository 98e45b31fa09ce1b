"""Remembers which list a guest has begun to download, for programs that resume without saying of what.

`curl -C -` and `wget -c` ask for the bytes from a number on and name no ETag. They get them only if every download
of this kind that the guest began within a day was of the same list. Else two ZIP files would be mixed.
"""

from throttling.counters import counters, pseudonym

KIND = "zip-begun"
SECONDS = 24 * 3600
# Stands for lists that differ.
_SEVERAL = 1


def begin(user_id: int, event_id: int, which: str, tag: str) -> None:
    """Remember that a download of the list with this tag (hex) has begun."""
    key, number = _key(user_id, event_id, which), _number(tag)
    known = counters().value(key)
    counters().clear(key)
    counters().add(key, SECONDS, number if known in (0, number) else _SEVERAL)


def is_same(user_id: int, event_id: int, which: str, tag: str) -> bool:
    """Tell whether every download of this kind that began within a day was of the list with this tag."""
    return counters().value(_key(user_id, event_id, which)) == _number(tag)


def _key(user_id: int, event_id: int, which: str) -> str:
    return f"{KIND}/{pseudonym(f'zip:{user_id}:{event_id}:{which}')}"


def _number(tag: str) -> int:
    """Return a number for a tag, larger than `_SEVERAL`. Of 48 bits: counters are 64 bits wide."""
    return int(tag[:12], 16) + 2
