"""Turns of what is worked on a few at a time."""

import asyncio

import pytest

from striate.serving.refusals import Refused
from striate.serving.turns import MAY_WAIT, Turns


def test_few_at_a_time_and_few_waiting():
    async def everything():
        turns, inside, most, refused = Turns(2, 3.0), 0, 0, []

        async def one():
            nonlocal inside, most
            try:
                async with turns.turn(object()):
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0.01)
                    inside -= 1
            except Refused as error:
                refused.append(error)

        await asyncio.gather(*(one() for _ in range(2 + MAY_WAIT + 3)))
        assert (most, inside, len(refused)) == (2, 0, 3)
        assert refused[0].headers == {"Retry-After": "18"}
        await one()
        assert len(refused) == 3

    asyncio.run(everything())


def test_a_turn_is_given_back_after_a_failure():
    async def everything():
        turns = Turns(1, 1.0)
        for _ in range(20):
            with pytest.raises(ValueError, match="x"):
                async with turns.turn(object()):
                    raise ValueError("x")

    asyncio.run(everything())


def test_a_caller_with_many_does_not_delay_one_with_few():
    async def everything():
        turns, order = Turns(1, 1.0), []

        async def one(caller):
            async with turns.turn(caller):
                order.append(caller)
                await asyncio.sleep(0.01)

        many = [asyncio.create_task(one("many")) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.gather(asyncio.create_task(one("few")), *many)
        assert order == ["many", "few", "many", "many"]

    asyncio.run(everything())


def test_a_caller_takes_half_of_the_waiting_places_at_most():
    async def everything():
        turns = Turns(1, 1.0)
        async with turns.turn("many"):
            waiting = [asyncio.create_task(turns.take("many")) for _ in range(MAY_WAIT // 2)]
            await asyncio.sleep(0)
            with pytest.raises(Refused) as refused:
                await turns.take("many")
            assert refused.value.http == 429
            for task in waiting:  # they leave, and nothing is lost
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        async with turns.turn("many"):
            assert turns.here == 1
        assert turns.here == 0

    asyncio.run(everything())
