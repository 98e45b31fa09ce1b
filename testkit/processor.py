"""How much of the processor a call needs, also on a machine that others use."""

import time
from collections.abc import Callable


def least_seconds(call: Callable[[], object], enough: float, tries: int = 3) -> float:
    """Return the least processor time in seconds that this thread needed for a call, in at most `tries` calls.

    It is called again only while it took `enough` seconds or more: beside others, a core is slower for a while.
    """
    least = float("inf")
    for _ in range(tries):
        began = time.thread_time()
        call()
        least = min(least, time.thread_time() - began)
        if least < enough:
            break
    return least
