"""A service that stops: what waits or works for long is brought to an end in good time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

SHARE = 0.5  # of the deadline: what takes long has this much of it left, and then is answered


class Stopping:
    """Whether a service stops, and the waits that are cut short then.

    Attributes:
        begun: whether it stops.
    """

    def __init__(self, deadline: float):
        self._deadline, self._waits = deadline, set[asyncio.Timeout]()
        self.begun = False

    def begin(self) -> None:
        """Every wait inside `until` ends within a part of the deadline; in the event loop."""
        self.begun = True
        for wait in self._waits:
            self._shorten(wait)

    @contextlib.asynccontextmanager
    async def until(self, moment: float) -> AsyncIterator[asyncio.Timeout]:
        """A timeout at a moment of the event loop's time, or earlier when the service stops.

        Raises:
            TimeoutError: when the time is up.
        """
        async with asyncio.timeout_at(moment) as wait:
            self._waits.add(wait)
            try:
                if self.begun:
                    self._shorten(wait)
                yield wait
            finally:
                self._waits.discard(wait)

    def _shorten(self, wait: asyncio.Timeout) -> None:
        soon = asyncio.get_running_loop().time() + max(0.0, SHARE * self._deadline)
        with contextlib.suppress(RuntimeError):  # it is just ending
            wait.reschedule(min(wait.when() or soon, soon))
