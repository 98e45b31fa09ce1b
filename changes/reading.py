"""Reads for many requests at a time, in one thread: those who are woken together do not take all request threads."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from anyio import to_thread

Key = TypeVar("Key")
Value = TypeVar("Value")
# Keys of one call: their statements stay short, and the first who asked are answered while the others are read.
MOST_KEYS = 100


class BatchReader(Generic[Key, Value]):
    """Calls `many` with the keys that requests ask for, one call at a time.

    A call never answers who asked after it had begun: that might be the state before a change of which the request
    was just told.
    """

    def __init__(self, many: Callable[[Sequence[Key]], Mapping[Key, Value | Exception]]) -> None:
        """`many` returns a value for each key, or the exception to raise where this one is read."""
        self._many = many
        self._wanted: dict[Key, asyncio.Future[Value]] = {}
        self._task: asyncio.Task[None] | None = None

    async def read(self, key: Key) -> Value:
        """Return the value of a key, read after this call began.

        Raises:
            Exception: the one that `many` raised, or returned for the key.
        """
        future = self._wanted.get(key)
        if future is None:
            future = self._wanted[key] = asyncio.get_running_loop().create_future()
            if self._task is None:
                self._task = asyncio.create_task(self._work())
        # The others who ask for this key must not lose it when one request is cancelled.
        return await asyncio.shield(future)

    async def _work(self) -> None:
        try:
            while self._wanted:
                keys = list(self._wanted)[:MOST_KEYS]
                await self._read({key: self._wanted.pop(key) for key in keys})
        finally:
            self._task = None

    async def _read(self, wanted: dict[Key, asyncio.Future[Value]]) -> None:
        found: Mapping[Key, Value | Exception]
        try:
            found = await to_thread.run_sync(self._many, list(wanted))
        except Exception as error:  # noqa: BLE001 - raised where each key is read
            found = dict.fromkeys(wanted, error)
        for key, future in wanted.items():
            value = found[key]
            if future.done():
                continue
            if isinstance(value, Exception):
                future.set_exception(value)
                # Taken note of, also if nobody waits for it any more.
                future.exception()
            else:
                future.set_result(value)
