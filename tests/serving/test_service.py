"""Turns of what is worked on a few at a time; and addresses that are not open to everybody."""

import asyncio

import pytest

from striate.errors import UserError
from striate.serving import Settings, open_keys
from striate.serving.refusals import Refused
from striate.serving.running import see_address
from striate.serving.service import MAY_WAIT, Turns


def test_few_at_a_time_and_few_waiting():
    async def everything():
        turns, inside, most, refused = Turns(2, 3.0), 0, 0, []

        async def one():
            nonlocal inside, most
            try:
                async with turns.turn():
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
                async with turns.turn():
                    raise ValueError("x")

    asyncio.run(everything())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_alone_needs_no_keys(host):
    see_address(Settings((), host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])
def test_others_need_keys(host, tmp_path):
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    for keys in (None, url):
        with pytest.raises(UserError, match="striate keys add"):
            see_address(Settings((), host=host, keys=keys))
    made = open_keys(url)
    made.add("app")
    made.close()
    see_address(Settings((), host=host, keys=url))
