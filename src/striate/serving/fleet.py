"""Several processes that answer: started, replaced one by one, and made anew when they die.

One process, the front, has the address, and hands every call to one of them (`front`). It is this
process, too, that starts them, sees them die, and ends them: over a pipe, which closes by itself
when the front is gone, so that no process is ever left behind.
"""

import asyncio
import contextlib
import dataclasses
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import Any

from striate.errors import UserError
from striate.serving.exchange import Lost, exchange
from striate.serving.member import Member
from striate.serving.settings import Settings

log = logging.getLogger("striate.serving")

STEADY = 10.0  # seconds that a process must live for the next one to be started at once
SOON = 0.05  # seconds until a process that a call was lost with is asked whether it is there
PULSE, SILENT = 5.0, 30.0  # seconds between two looks at a process; without an answer, it is ended
WAIT, LONGEST = 1.0, 30.0  # seconds until another is started after one that did not; doubled


class Fleet:
    """The processes of a service.

    Attributes:
        members: one for each place, dead or alive.
    """

    def __init__(self, settings: Settings):
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        queue = -(-settings.queue // settings.workers)  # so that all together take what was said
        self.settings = dataclasses.replace(settings, keys=None, queue=queue)
        self.members: list[Member] = []
        self._locks = [asyncio.Lock() for _ in range(settings.workers)]
        self._tasks = set[asyncio.Task[None]]()
        self._started, self._stopping = 0, False
        self._made = list[Member]()  # by `start`
        self._leaving: Member | None = None  # it was replaced, and has answers to give
        self._changed, self._asked = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        """Returns when every process answers.

        Raises:
            UserError: if one does not; the others are ended.
        """
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="striate-")  # nobody else may enter
        except OSError as error:
            raise UserError(f"no folder for the processes' sockets: {error}") from error
        places = range(1, self.settings.workers + 1)
        starting = [asyncio.create_task(self._begun(number)) for number in places]
        try:
            self.members = list(await asyncio.gather(*starting))
        except BaseException:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)
            for member in self._made:  # also one whose own end was just cut short
                await member.give_up()
            self._folder.cleanup()
            raise
        for member in self.members:
            self._look_after(member)
        self._do(self._renewing())

    def renew(self) -> None:
        """Has every process replaced by a new one, one after the other."""
        self._asked.set()

    def hurry(self) -> None:
        """The service stops: what takes long ends early."""
        for member in self.members:
            member.hurry()

    async def stop(self) -> None:
        """Ends every process after its answers."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        leaving = [self._leaving] if self._leaving else []
        await asyncio.gather(*(member.end() for member in [*self.members, *leaving]))
        if self._folder:
            self._folder.cleanup()

    @property
    def ready(self) -> bool:
        """Whether any process takes calls."""
        return any(member.ready for member in self.members)

    @contextlib.asynccontextmanager
    async def lent(
        self, but: Sequence[Member], seconds: float, *, alone: bool = False
    ) -> AsyncIterator[Member]:
        """The process with the fewest calls, for one more.

        Args:
            but: those that may not be taken.
            seconds: that it is waited for.
            alone: whether the process must have no other call, and get none.

        Raises:
            TimeoutError: if there is none in that time.
        """
        until = asyncio.get_running_loop().time() + seconds
        async with asyncio.timeout_at(until):
            member = await self._chosen(but)
        member.alone = alone
        try:
            async with asyncio.timeout_at(until if alone else None):
                while alone and member.calls:
                    await member.idle.wait()
            member.calls += 1
            member.idle.clear()
            try:
                yield member
            finally:
                member.calls -= 1
                if not member.calls:
                    member.idle.set()
        finally:
            if alone:
                member.alone = False
                self._tell()

    async def _chosen(self, but: Sequence[Member]) -> Member:
        while True:
            free = [each for each in self.members if each.free and each not in but]
            if free:
                return min(free, key=lambda each: each.calls)
            await self._changed.wait()

    def doubt(self, member: Member) -> None:
        """A call was lost with it: it gets no other until it answers again, for a process that
        just dies may still take connections."""
        if not member.doubted:
            member.doubted = True
            self._do(self._believe(member))

    async def _believe(self, member: Member) -> None:
        while member.process.returncode is None:
            await asyncio.sleep(SOON)
            with contextlib.suppress(Lost, TimeoutError):
                async with asyncio.timeout(SILENT):
                    await exchange(member.place, "GET", b"/v2/health/live")
                member.doubted = False
                self._tell()
                return

    def _tell(self) -> None:
        """Whoever waits for a process looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _begun(self, number: int) -> Member:
        self._started += 1
        assert self._folder
        place = Path(self._folder.name) / f"{self._started}.sock"
        member = Member(number, place, self.settings)
        if not self.members:
            self._made.append(member)
        await member.start()
        return member

    def _take(self, member: Member) -> None:
        """Puts a process that answers into its place."""
        self.members[member.number - 1] = member
        self._look_after(member)
        self._tell()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _look_after(self, member: Member) -> None:
        self._do(self._watch(member))
        self._do(self._feel(member))

    async def _feel(self, member: Member) -> None:
        """Ends it when it lives and does not answer: then others get its calls."""
        while member.process.returncode is None:
            await asyncio.sleep(PULSE)
            try:
                async with asyncio.timeout(SILENT):
                    await exchange(member.place, "GET", b"/v2/health/live")
            except TimeoutError:
                log.error("process %d has been silent for %.0f s", member.number, SILENT)
                member.kill()
                return
            except Lost:
                continue  # it has ended, or just does

    async def _watch(self, member: Member) -> None:
        """Puts another into its place when it dies, but not one after the other without a pause."""
        await member.process.wait()
        if member not in self.members or self._stopping:
            return  # it was replaced
        member.ready = False
        member.place.unlink(missing_ok=True)
        log.error("process %d %s; another takes its place", member.number, member.ending)
        wait = 0.0 if time.monotonic() - member.born > STEADY else WAIT
        while True:
            await asyncio.sleep(wait)
            async with self._locks[member.number - 1]:
                if self.members[member.number - 1] is not member:
                    return  # somebody was faster: `_renew`
                try:
                    self._take(await self._begun(member.number))
                except UserError as error:
                    wait = min(LONGEST, 2 * wait or WAIT)
                    log.error("process %d does not start: %s; the next attempt is in %.0f s",
                              member.number, error, wait)  # fmt: skip
                else:
                    log.info("process %d answers again", member.number)
                    return

    async def _renewing(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._renew()

    async def _renew(self) -> None:
        """Starts a new process, takes the old one's calls away, and ends that after its answers;
        then the next. The first that does not start ends it: the old ones go on."""
        for number in range(1, self.settings.workers + 1):
            async with self._locks[number - 1]:
                old = self.members[number - 1]
                try:
                    new = await self._begun(number)
                except UserError as error:
                    log.error("process %d is not replaced: %s; the old one goes on", number, error)
                    return
                old.ready = False
                self._leaving = old
                self._take(new)
            await old.end()
            self._leaving = None
            log.info("process %d is replaced", number)
