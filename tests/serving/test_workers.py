"""Threads that work for many callers: turns, room, what is dropped, and that nothing is kept."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from striate.serving import workers as module
from striate.serving.account import Line
from striate.serving.refusals import Unanswered
from striate.serving.workers import Workers


@pytest.fixture
def made():
    all_of_them = []

    def make(threads=1, total=100, coming=0):
        all_of_them.append(Workers(threads, total, coming))
        return all_of_them[-1]

    yield make
    for each in all_of_them:
        each.close()


class Gate:
    """Work that waits until it is let go, and remembers its order."""

    def __init__(self):
        self.go, self.began, self.order = threading.Event(), threading.Event(), []

    def __call__(self, name):
        def run(share):
            self.began.set()
            assert self.go.wait(20)
            self.order.append(name)
            return name

        return run


def test_callers_take_turns(made, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 0)
    workers, gate = made(threads=1), Gate()
    first = workers.submit("many", gate("first"), cost=1)
    assert gate.began.wait(20)
    futures = [workers.submit("many", gate(f"many {k}"), cost=1) for k in range(5)]
    futures.append(workers.submit("few", gate("few"), cost=1))
    gate.go.set()
    assert first.result(20) == "first"
    for future in futures:
        future.result(20)
    assert gate.order.index("few") <= 2
    assert workers.account.held == 0


def test_small_work_does_not_wait_for_large(made, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 10)
    workers, gate = made(threads=2), Gate()
    large = [workers.submit(k, gate(k), cost=30) for k in range(3)]
    assert gate.began.wait(20)
    assert workers.submit("small", lambda _: "small", cost=5).result(20) == "small"
    gate.go.set()
    assert sorted(future.result(20) for future in large) == [0, 1, 2]


def test_no_more_is_begun_than_there_is_room_for(made):
    workers, most, lock, now = made(threads=4), [0], threading.Lock(), [0]

    def run(share):
        with lock:
            now[0] += share.size
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        with lock:
            now[0] -= share.size

    futures = [workers.submit(k % 7, run, cost=35) for k in range(60)]
    for future in futures:
        future.result(20)
    assert most[0] == 70
    assert workers.account.held == 0


def test_what_is_kept_is_given_back_later(made):
    workers = made()
    share = workers.submit(0, lambda share: share.keep(20) or share, cost=60).result(20)
    assert workers.account.held == 20
    share.close()
    assert workers.account.held == 0


def test_large_work_is_not_overtaken_for_ever(made, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 10)
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    workers, ended = made(threads=3), []

    def run(name):
        def work(share):
            time.sleep(0.02)
            ended.append(name)

        return work

    futures = [workers.submit(k, run("middle"), cost=40) for k in range(2)]
    futures.append(workers.submit("large", run("large"), cost=100))
    futures += [workers.submit(10 + k, run("middle"), cost=40) for k in range(40)]
    for future in futures:
        future.result(20)
    assert ended.index("large") < 30


def test_nobody_works_for_who_has_left_or_is_late(made):
    workers, gate, ran = made(threads=1), Gate(), []
    held = [workers.submit("a", gate(k)) for k in range(2)]  # one for each thread
    assert gate.began.wait(20)
    left = workers.submit("b", ran.append)
    late = workers.submit("b", ran.append, deadline=time.monotonic())
    left.cancel()
    gate.go.set()
    for future in held:
        future.result(20)
    with pytest.raises(Unanswered) as error:
        late.result(20)
    assert error.value.code.number == 98009
    assert ran == []


class Pixels(np.ndarray):
    """An array that can be watched."""


def test_an_error_holds_nothing_of_what_was_worked_on(made):
    """The frames of a traceback hold their variables as long as the error lives."""
    workers, watched = made(), []

    def run(share):
        pixels = np.zeros((10, 10)).view(Pixels)
        watched.append(weakref.ref(pixels))
        try:
            raise OSError("in between")
        except OSError as error:
            raise ValueError("broken") from error

    future = workers.submit(0, run)
    with pytest.raises(ValueError, match="broken") as error:
        future.result(20)
    gc.collect()
    assert watched[0]() is None
    assert "run" in "".join(str(entry.name) for entry in error.traceback)  # it still says where


def test_work_that_is_dropped_holds_nothing(made):
    workers, gate = made(threads=1), Gate()
    held = [workers.submit("a", gate(k)) for k in range(2)]
    pixels = np.zeros((10, 10)).view(Pixels)
    watched = weakref.ref(pixels)
    future = workers.submit("b", lambda share, pixels=pixels: pixels.sum())
    del pixels
    future.cancel()
    gc.collect()
    assert watched() is None
    gate.go.set()
    for each in held:
        each.result(20)


def test_closing_does_what_was_submitted():
    workers = Workers(2, 10, 5)
    futures = [workers.submit(k, lambda _: time.sleep(0.01)) for k in range(20)]
    workers.close()
    assert all(future.done() for future in futures)
    assert workers.account.most == {Line.COMING: 5, Line.WORKING: 5}
