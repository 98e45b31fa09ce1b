"""Children that do tasks: a few at a time, each with a deadline; one that dies or grows is replaced."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from weakref import WeakSet

from decoding import memory
from decoding.budget import PixelBudget
from decoding.decoder import Busy, ChildDied, Closed, Decoder, OutOfMemory, Overran, TaskFailed
from decoding.processes import Child, Template, environment_for
from decoding.task_types import Answer, Values
from faces.engine import EngineUnavailable
from faces.providers import dimensions_of
from settings import Settings
from telemetry import spans

log = logging.getLogger("reperio.decoding")
# A picture with more pixels is large: of several children, one is kept free of these, for phones' usual selfies.
LARGE_PIXELS = 16_000_000
# Tasks that find faces.
NEED_ENGINE = ("photo", "stored_selfie", "embed_selfie", "check_selfie")
# For an engine to load, on a machine that swaps; it takes half a second.
LOAD_SECONDS = 30.0
# A child that takes more memory than this after a task is replaced: with its engine it takes up to 320 MB.
GROWN_BYTES = 500 * memory.MEGABYTE


@dataclass(frozen=True, slots=True)
class Terms:
    """How a pool works: how many children at a time, their priority, and the seconds that a task may take.

    If `waits` says how long a call waits for a child at most, `seconds` includes that wait. Without `waits`, a call
    waits as long as it takes, and `seconds` counts from the start of the task.
    """

    size: int
    niceness: int
    seconds: float
    waits: float | None = None
    memory: int = memory.CHILD_BYTES
    # Whether the tasks embed faces: what that takes is then loaded beforehand.
    embeds: bool = False


class ChildPool(Decoder):
    """A Decoder whose tasks run in children. They start when they are needed."""

    def __init__(self, settings: Settings, template: Template, budget: PixelBudget, terms: Terms) -> None:
        dimensions = dimensions_of(settings.face_recognizer_provider)
        super().__init__(dimensions, settings.detection_long_side or 0)
        self._settings, self._template, self._budget, self._terms = settings, template, budget, terms
        self._environment = environment_for(settings)
        self._places = threading.Semaphore(terms.size)
        self._large_places = threading.Semaphore(max(1, terms.size - 1))
        self._lock = threading.Lock()
        self._idle = list[Child]()
        self._working = set[Child]()
        self._others = WeakSet[ChildPool]()
        self._closed = False

    def run(self, task: str, arguments: Values, data: bytes, pixels: int) -> Answer:
        """Do the task in a child and return its answer, or raise its error."""
        began, terms = time.monotonic(), self._terms
        with ExitStack() as held:
            if pixels > LARGE_PIXELS:
                held.enter_context(_place(self._large_places, terms.waits))
            held.enter_context(_place(self._places, _left(began, terms.waits)))
            held.enter_context(self._budget.hold(pixels, _left(began, terms.waits)))
            waited = 0.0 if terms.waits is None else time.monotonic() - began
            child = held.enter_context(self._child())
            held.enter_context(spans.part(f"decode {task}"))
            if task in NEED_ENGINE:
                self._load(child)
            try:
                return child.do(task, arguments, data, pixels=pixels, seconds=terms.seconds - waited)
            except Overran as error:
                if waited > terms.seconds / 3:
                    raise Busy("too little time was left after the wait") from error
                raise

    def for_provider(self, provider: str) -> "ChildPool":
        """Return a pool with the engine of another provider, under the same terms and with the same budget."""
        settings = self._settings.model_copy(update={"face_recognizer_provider": provider})
        other = ChildPool(settings, self._template, self._budget, self._terms)
        with self._lock:
            if self._closed:
                raise Closed("the process is stopping")
            self._others.add(other)
        return other

    def load(self) -> None:
        """Start a child and load its engine now, unless one is there."""
        with _place(self._places, self._terms.waits), self._child() as child:
            self._load(child)

    def _load(self, child: Child) -> None:
        """Load the engine of a new child. How long that takes is no picture's fault."""
        if child.is_loaded:
            return
        try:
            child.do("load", {"embeds": self._terms.embeds}, b"", pixels=0, seconds=LOAD_SECONDS)
        except (ChildDied, Overran, OutOfMemory, TaskFailed) as error:
            if self._closed:
                raise Closed("the process is stopping") from error
            raise EngineUnavailable(f"the face engine did not load: {error}") from error
        child.is_loaded = True

    def idle_pid(self) -> int | None:
        """Return the process id of the child that does the next task, or None if it is yet to be started."""
        with self._lock:
            return self._idle[-1].pid if self._idle else None

    def close(self) -> None:
        """End all children, those in a task too, and start no further one."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            working, others = list(self._working), list(self._others)
        for other in others:
            other.close()
        for child in working:
            child.kill()
        for child in idle:
            child.end()

    @contextmanager
    def _child(self) -> Iterator[Child]:
        child = self._taken()
        try:
            yield child
        except (ChildDied, Overran, OutOfMemory) as problem:
            if self._closed:
                raise Closed("the process is stopping") from problem
            log.warning("a decoding process is replaced: %s", problem)
            raise
        finally:
            self._give_back(child)

    def _taken(self) -> Child:
        """Return an idle child that is alive, else a new one."""
        while True:
            with self._lock:
                if self._closed:
                    raise Closed("the process is stopping")
                child = self._idle.pop() if self._idle else None
            if child is None:
                child = self._template.fork(
                    self._environment, niceness=self._terms.niceness, memory=self._terms.memory
                )
            elif not child.is_alive():
                log.warning("a decoding process ended while it was idle: %s", child.end())
                continue
            with self._lock:
                self._working.add(child)
            return child

    def _give_back(self, child: Child) -> None:
        with self._lock:
            self._working.discard(child)
            grown = child.resident > GROWN_BYTES or child.untouched > memory.RESERVED_BYTES
            keep = not (self._closed or child.has_ended or grown)
            if keep:
                self._idle.append(child)
        if not keep:
            child.end()


@contextmanager
def _place(places: threading.Semaphore, seconds: float | None) -> Iterator[None]:
    if not places.acquire(timeout=seconds):
        raise Busy("no child is free")
    try:
        yield
    finally:
        places.release()


def _left(began: float, seconds: float | None) -> float | None:
    """Return what is left of `seconds` since the time `began`; None of None."""
    return None if seconds is None else max(0.0, began + seconds - time.monotonic())
