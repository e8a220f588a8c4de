"""A service that stops: whatever waits or works for long is brought to an end in good time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

SHARE = 0.5  # of the deadline: what takes long has this much of it left, and then is answered


class Stopping:
    """Whether a service stops, and what is cut short then.

    Attributes:
        calls: that are under way; those left after the deadline are cancelled.
    """

    def __init__(self, deadline: float):
        self._deadline, self._waits = max(0.0, deadline), set[asyncio.Timeout]()
        self._soon = float("inf")  # when waits end, in the event loop's time
        self.calls = set[asyncio.Task[None]]()

    @property
    def begun(self) -> bool:
        """Whether it stops."""
        return self._soon < float("inf")

    def begin(self) -> None:
        """Every wait inside `until` ends within a part of the deadline; in the event loop."""
        if self.begun:
            return
        loop = asyncio.get_running_loop()
        self._soon = loop.time() + SHARE * self._deadline
        for wait in self._waits:
            self._shorten(wait)
        loop.call_later(self._deadline, self._end)

    def _end(self) -> None:
        for call in self.calls:
            call.cancel()

    @contextlib.asynccontextmanager
    async def until(self, moment: float) -> AsyncIterator[asyncio.Timeout]:
        """A timeout at a moment of the event loop's time, or earlier when the service stops.

        Raises:
            TimeoutError: when the time is up.
        """
        moment = min(moment, self._soon)
        if asyncio.get_running_loop().time() >= moment:
            raise TimeoutError  # a wait that need not wait would not see it
        async with asyncio.timeout_at(moment) as wait:
            self._waits.add(wait)
            try:
                yield wait
            finally:
                self._waits.discard(wait)

    def _shorten(self, wait: asyncio.Timeout) -> None:
        with contextlib.suppress(RuntimeError):  # it is just ending
            wait.reschedule(min(wait.when() or self._soon, self._soon))
