"""Turns of what is worked on a few at a time, by caller: videos and explanations."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Hashable

from striate.serving.refusals import full

MAY_WAIT = 4  # of each kind


class Turns:
    """Few at a time, few more waiting, and nobody else; callers take turns.

    Args:
        seconds: that one usually takes; for the time after which a caller is asked to come again.
    """

    def __init__(self, at_a_time: int, seconds: float):
        self._at_a_time, self._seconds = at_a_time, seconds
        self._busy: Counter[Hashable] = Counter()
        self._waiting: list[tuple[Hashable, asyncio.Future[None]]] = []

    @property
    def here(self) -> int:
        """How many are worked on or waiting."""
        return self._busy.total() + len(self._waiting)

    @contextlib.asynccontextmanager
    async def turn(self, caller: Hashable) -> AsyncIterator[None]:
        """Inside the block it is the caller's turn.

        Raises:
            Refused: as `take`.
        """
        await self.take(caller)
        try:
            yield
        finally:
            self.give(caller)

    async def take(self, caller: Hashable) -> None:
        """Waits for the caller's turn, which lasts until `give`.

        Raises:
            Refused: 429, if too many are waiting, or half of those are the caller's.
        """
        mine = sum(each == caller for each, _ in self._waiting)
        if self.here >= self._at_a_time + MAY_WAIT or mine >= MAY_WAIT // 2:
            raise full(self.here * self._seconds)
        if self._busy.total() < self._at_a_time:
            self._busy[caller] += 1
        else:
            await self._wait(caller)

    def give(self, caller: Hashable) -> None:
        """Ends a turn of the caller; the next is another's, whoever has the fewest."""
        self._busy[caller] -= 1
        self._busy += Counter()  # forgets who has none
        self._waiting.sort(key=lambda each: each[0] == caller)
        while self._waiting and self._busy.total() < self._at_a_time:
            caller, first = min(self._waiting, key=lambda each: self._busy[each[0]])
            self._waiting.remove((caller, first))
            self._busy[caller] += 1
            first.set_result(None)

    async def _wait(self, caller: Hashable) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((caller, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # its turn had just come
                self.give(caller)
            else:
                self._waiting.remove((caller, mine))
            raise
