"""What the calls of one service share: its models, threads, bytes, keys and counters."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

from striate.serving.account import Share
from striate.serving.calls import Call
from striate.serving.fleet import Fleet
from striate.serving.indexes import Shown
from striate.serving.keys import Keys
from striate.serving.links import Fetcher
from striate.serving.metrics import Metrics
from striate.serving.models import Served, Shelf
from striate.serving.refusals import NO_SUCH_PATH, Refused
from striate.serving.settings import Settings
from striate.serving.shapes import OutputConfig
from striate.serving.stopping import Stopping
from striate.serving.turns import Turns
from striate.serving.workers import Workers

log = logging.getLogger("striate.serving")

VIDEOS, EXPLANATIONS = 2, 1  # worked on at a time


class Service:
    """One service; `running` is its life.

    Attributes:
        keys: where keys and their usage lie; None where there is no such place.
        needs_key: whether calls need a key: there was one when the service began.
        workers: threads that read, decode and write, and the account of bytes.
        index: what /search looks into; None where there is none.
        fleet: the processes that answer in its stead; None where it answers itself.
        stopping: when it stops, and who must end early then.
    """

    def __init__(self, settings: Settings, fleet: Fleet | None = None):
        self.settings, self.fleet = settings, fleet
        self.metrics = Metrics()
        self.keys = Keys(settings.keys) if settings.keys else None
        self.needs_key = self.keys is not None and self.keys.any()
        own = replace(settings, models=(), index=None) if fleet else settings  # it computes nothing
        self.shelf = Shelf(own, self.metrics.batch)
        try:
            self.index = Shown(own.index, own, self.metrics) if own.index else None
        except BaseException:
            self.shelf.close()
            raise
        self.ready = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopping = Stopping(settings.deadline)
        self.fetcher = Fetcher() if settings.allow_links else None
        limits = settings.limits
        self.workers = Workers(os.cpu_count() or 1, limits.held_bytes, limits.coming_bytes)
        self.explaining = ThreadPoolExecutor(EXPLANATIONS, "striate-explain")
        self.videos = Turns(VIDEOS, 10.0)
        self.explanations = Turns(EXPLANATIONS, 5.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks after the models' files; at the end every thread has ended."""
        looking, self._loop = asyncio.create_task(self._look()), asyncio.get_running_loop()
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
            if self.fleet:
                await self.fleet.stop()
            await asyncio.to_thread(self.close)

    def stop(self) -> None:
        """Nothing new is taken, and what takes long ends early."""
        self.ready = False
        self.stopping.begin()
        if self.fleet:
            self.fleet.hurry()

    def stop_soon(self) -> None:
        """What takes long ends early, as in `stop`; from any thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self.stopping.begin)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll)
            try:
                await asyncio.to_thread(self.shelf.look)
                if self.index:
                    await asyncio.to_thread(self.index.look)
            except Exception:  # the service goes on with what it has
                log.exception("the models' files could not be checked")

    def close(self) -> None:
        """Ends the threads, after what was taken is answered."""
        self.workers.close()
        self.explaining.shutdown()
        if self.fetcher:
            self.fetcher.close()
        self.shelf.close()
        if self.index:
            self.index.close()
        if self.keys:
            self.keys.close()

    @contextmanager
    def call(
        self, name: str, config: OutputConfig, caller: Hashable, share: Share, *,
        seconds: float = 0.0,
    ) -> Iterator[Call]:  # fmt: skip
        """A call of the model of that name.

        Args:
            caller: takes turns with the others.
            share: what the call holds, until it has been answered.
            seconds: that it has beyond the usual deadline.

        Raises:
            Refused: 404, if there is no such model or language.
        """
        with self.shelf.borrow(name) as served:
            see_language(served, config.language)
            deadline = time.monotonic() + self.settings.deadline + seconds
            call = Call(served, config, deadline, self.workers, self.settings.limits, caller, share)
            with call:
                yield call


def see_language(served: Served, language: str | None) -> None:
    """Refuses a language that there are no names in."""
    if language and language not in served.languages:
        known = ", ".join(sorted(served.languages)) or "none"
        raise Refused(404, NO_SUCH_PATH, f"no names in this language; there are: {known}")
