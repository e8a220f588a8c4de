"""A service that stops: every wait ends within a part of the deadline, from the beginning on."""

import asyncio
import time

import pytest

from striate.serving.stopping import SHARE, Stopping


async def many_short_waits(stopping: Stopping, moment: float, seconds: float) -> None:
    """Each alone is short; ten seconds of them."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        async with stopping.until(moment):
            if seconds:
                await asyncio.sleep(seconds)


def test_waits_end_soon_after_it_has_begun_whenever_they_began():
    async def everything():
        loop, stopping, start = asyncio.get_running_loop(), Stopping(0.4), time.monotonic()
        loop.call_later(0.05, stopping.begin)
        with pytest.raises(TimeoutError):
            await many_short_waits(stopping, loop.time() + 5, 0.02)
        assert time.monotonic() - start + 0.01 >= 0.05 + SHARE * 0.4
        with pytest.raises(TimeoutError):
            async with stopping.until(loop.time() + 5):
                await asyncio.sleep(5)
        assert time.monotonic() - start < 5

    asyncio.run(everything())


def test_what_need_not_wait_ends_too():
    async def everything():
        loop, stopping, start = asyncio.get_running_loop(), Stopping(0.1), time.monotonic()
        stopping.begin()
        with pytest.raises(TimeoutError):  # what is there already is taken at once
            await many_short_waits(stopping, loop.time() + 5, 0.0)
        assert time.monotonic() - start < 5

    asyncio.run(everything())


def test_a_wait_that_ends_earlier_stays_so():
    async def everything():
        loop, stopping = asyncio.get_running_loop(), Stopping(60.0)
        stopping.begin()
        with pytest.raises(TimeoutError):
            async with stopping.until(loop.time() + 0.01):
                await asyncio.sleep(20)
        async with stopping.until(loop.time() + 5):
            pass
        assert stopping.begun

    asyncio.run(everything())


def test_what_is_left_at_the_deadline_is_cancelled():
    async def everything():
        stopping = Stopping(0.1)
        call = asyncio.create_task(asyncio.sleep(60))
        stopping.calls.add(call)
        stopping.begin()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(everything())
