"""A process behind the front: started, asked, told to end."""

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path

from striate.data.threads import cores
from striate.errors import UserError
from striate.serving.exchange import Lost, exchange
from striate.serving.settings import Settings

PROGRAM = (sys.executable, "-P", "-m", "striate.serving.process")
GRACE = 10.0  # seconds beyond a deadline that a process has to end


class Member:
    """A process that answers.

    Attributes:
        number: of its place, from 1: the one that comes after it has the same.
        place: of its socket.
        ready: whether it takes calls.
        calls: that it has not answered yet.
        idle: set while there are none.
        alone: whether it is kept for one call alone.
        doubted: whether a call was lost with it.
    """

    def __init__(self, number: int, place: Path, settings: Settings):
        self.number, self.place, self.settings = number, place, settings
        self.ready, self.alone, self.doubted = False, False, False
        self.calls, self.born = 0, time.monotonic()
        self.idle = asyncio.Event()
        self.idle.set()
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        """Returns when it answers.

        Raises:
            UserError: if it ended before.
        """
        self.process = await asyncio.create_subprocess_exec(
            *PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env=environment(self.settings.workers), start_new_session=True,
        )  # fmt: skip
        try:
            await self._told()
            answer = await exchange(self.place, "GET", b"/v2/health/ready")
            if answer.status != 200:
                raise UserError(f"process {self.number} is not ready ({answer.status})")
        except Lost:
            await self.process.wait()
            raise UserError(f"process {self.number} {self.ending}") from None
        except BaseException:
            await self.give_up()
            raise
        self.ready = True

    async def _told(self) -> None:
        """Hands over the settings; returns when it listens.

        Raises:
            UserError: what it said, or how it ended.
        """
        assert self.process.stdin
        assert self.process.stdout
        settings = dataclasses.asdict(self.settings) | {"place": str(self.place)}
        with contextlib.suppress(ConnectionError):  # it has ended, which its silence tells
            self.process.stdin.write(json.dumps(settings).encode() + b"\n")
            await self.process.stdin.drain()
        line = await self.process.stdout.readline()
        if not line:
            await self.process.wait()
            raise UserError(f"process {self.number} {self.ending} before it answered")
        if reason := json.loads(line)["error"]:
            raise UserError(reason)

    @property
    def free(self) -> bool:
        """Whether it takes another call."""
        return self.ready and not self.alone and not self.doubted

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode or 0
        if code >= 0:
            return f"ended (exit code {code})"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"

    def hurry(self) -> None:
        """The service stops: what takes long ends early. Calls are taken all the same."""
        if self.process.stdin and not self.process.stdin.is_closing():
            self.process.stdin.write(b"stop\n")

    def kill(self) -> None:
        """Ends it at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def give_up(self) -> None:
        """Ends it at once, wherever its start has come to."""
        if process := getattr(self, "process", None):
            self.kill()
            await process.wait()
            process.stdin.close()

    async def end(self) -> None:
        """Ends it after its answers; it has so much time and is killed then."""
        self.ready = False
        limits = self.settings.limits
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.deadline + limits.video_patience):
                await self.idle.wait()
        assert self.process.stdin
        self.process.stdin.close()
        try:
            async with asyncio.timeout(self.settings.deadline + GRACE):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()
        self.place.unlink(missing_ok=True)


def environment(processes: int) -> dict[str, str]:
    """Of a process: it finds what we find, and has its part of the cores."""
    threads = str(max(1, cores() // max(1, processes)))
    paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return {"OMP_NUM_THREADS": threads, **os.environ, "PYTHONPATH": paths}
