"""What the calls of one service share: its models, threads, keys and counters."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from striate.serving.keys import Keys
from striate.serving.links import Fetcher
from striate.serving.metrics import Metrics
from striate.serving.models import Served, Shelf
from striate.serving.refusals import full
from striate.serving.settings import Settings
from striate.serving.shapes import OutputConfig
from striate.serving.tagging import Call

log = logging.getLogger("striate.serving")
Result = TypeVar("Result")

VIDEOS, EXPLANATIONS = 2, 1  # worked on at a time
MAY_WAIT = 4  # of each


class Turns:
    """Few at a time, few more waiting, and nobody else."""

    def __init__(self, at_a_time: int, seconds: float):
        self._free = asyncio.Semaphore(at_a_time)
        self._most, self._seconds, self._here = at_a_time + MAY_WAIT, seconds, 0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Inside the block it is one's turn.

        Raises:
            Refused: 429, if too many are waiting.
        """
        if self._here >= self._most:
            raise full(self._here * self._seconds)
        self._here += 1
        try:
            async with self._free:
                yield
        finally:
            self._here -= 1


class Service:
    """One service; `running` is its life.

    Attributes:
        keys: where keys and their usage lie; None where there is no such place.
        held: bytes of all bodies that are being received or answered.
        needs_key: whether calls need a key: there was one when the service began.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.metrics = Metrics()
        self.keys = Keys(settings.keys) if settings.keys else None
        self.needs_key = self.keys is not None and self.keys.any()
        self.shelf = Shelf(settings, self.metrics.batch)
        self.ready, self.held = False, 0
        self.fetcher = Fetcher() if settings.allow_links else None
        workers = os.cpu_count() or 1
        self.decoding = ThreadPoolExecutor(workers, "striate-decode")
        self.explaining = ThreadPoolExecutor(EXPLANATIONS, "striate-explain")
        self.videos = Turns(VIDEOS, 10.0)
        self.explanations = Turns(EXPLANATIONS, 5.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks after the models' files; at the end every thread has ended."""
        looking = asyncio.create_task(self._look())
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
            await asyncio.to_thread(self.close)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self.settings.look)
            try:
                await asyncio.to_thread(self.shelf.look)
            except Exception:  # the service goes on with what it has
                log.exception("looking after the models failed")

    def close(self) -> None:
        """Ends the threads, after what was taken is answered."""
        for pool in (self.decoding, self.explaining):
            pool.shutdown()
        if self.fetcher:
            self.fetcher.close()
        self.shelf.close()
        if self.keys:
            self.keys.close()

    @contextmanager
    def call(self, name: str, config: OutputConfig, *, seconds: float = 0.0) -> Iterator[Call]:
        """A call of the model of that name.

        Args:
            seconds: that it has beyond the usual deadline.

        Raises:
            Refused: 404, if there is no such model or language.
        """
        with self.shelf.borrow(name) as served:
            see_language(served, config.language)
            deadline = time.monotonic() + self.settings.deadline + seconds
            yield Call(served, config, deadline, self.decoding, self.settings.limits)


def see_language(served: Served, language: str | None) -> None:
    """Refuses a language that there are no names in."""
    from striate.serving.refusals import NO_SUCH_PATH, Refused

    if language and language not in served.languages:
        known = ", ".join(sorted(served.languages)) or "none"
        raise Refused(404, NO_SUCH_PATH, f"no names in this language; there are: {known}")
