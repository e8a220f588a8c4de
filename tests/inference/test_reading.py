"""Inputs on their way: the next are made while one is used, and none when nobody wants more."""

import threading
from contextvars import ContextVar

import pytest

from striate.errors import InputError
from striate.inference.reading import Deferred, Named, ahead, batches


def test_the_next_is_made_while_one_is_used():
    made = [threading.Event() for _ in range(5)]

    def items():
        for number, event in enumerate(made):
            event.set()
            yield number

    found = []
    for number in ahead(items()):
        assert made[min(number + 2, 4)].wait(10)  # the next two are under way or there
        found.append(number)
    assert found == list(range(5))


def test_no_more_than_so_many_are_made():
    drawn = []
    source = ahead((drawn.append(number) or number for number in range(9)), depth=1)
    assert next(source) == 0
    source.close()  # waits for what is under way
    assert len(drawn) <= 2


def test_who_stops_early_ends_the_source():
    ended = []

    def items():
        try:
            yield from range(9)
        finally:
            ended.append(threading.current_thread())

    source = ahead(items())
    next(source)
    source.close()
    assert ended == [threading.current_thread()]


def test_what_goes_wrong_is_raised_where_it_is_used():
    def items():
        yield 1
        raise ValueError("no more")

    source = ahead(items())
    assert next(source) == 1
    with pytest.raises(ValueError, match="no more"):
        next(source)


def test_the_thread_has_the_callers_context():
    variable = ContextVar("variable", default=0)
    variable.set(7)
    assert list(ahead(variable.get() for _ in range(2))) == [7, 7]


def test_a_deferred_input_is_fetched_in_the_threads_that_prepare():
    class Later(Deferred):
        def fetch(self):
            if threading.current_thread() is threading.main_thread():
                raise AssertionError("fetched where it was drawn")
            return b"here"

    class Never(Deferred):
        def fetch(self):
            raise InputError("gone")

    ((names, found),) = batches([Named("a", Later()), Named("b", Never())], bytes.upper, 2)
    assert names == ["a", "b"]
    assert found[0] == b"HERE"
    assert str(found[1]) == "gone"


def test_inputs_are_submitted_as_they_are_drawn():
    """Who gives them may wait for an earlier one of the same batch to be read."""
    first = threading.Event()

    def inputs():
        yield b"1"
        assert first.wait(10)
        yield b"2"

    def read(item):
        first.set()
        return item

    ((_, found),) = batches(inputs(), read, 2)
    assert found == [b"1", b"2"]
