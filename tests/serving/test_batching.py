"""Dynamic batching: what waits for what, what is refused, what is late, and how it ends."""

import threading
import time
import weakref

import pytest

from striate.serving.batching import Batcher
from striate.serving.refusals import Refused, Unanswered

FOREVER = float("inf")


class Slow:
    """Doubles numbers; holds every batch until it is let go, and remembers their sizes."""

    def __init__(self, **settings):
        self.go, self.began, self.sizes = threading.Event(), threading.Event(), []
        self.batcher = Batcher(self, **settings)

    def __call__(self, items):
        self.sizes.append(len(items))
        self.began.set()
        assert self.go.wait(20)
        return [2 * item for item in items]

    def ask(self, *items, deadline=FOREVER, caller=None):
        futures = self.batcher.promise(len(items), caller)
        for item, future in zip(items, futures, strict=True):
            self.batcher.ask(item, deadline, future, caller)
        return futures


@pytest.fixture
def slow():
    made = []

    def make(**settings):
        made.append(Slow(**settings))
        return made[-1]

    yield make
    for each in made:
        each.go.set()
        each.batcher.close()


def test_every_caller_gets_the_answer_to_their_own_question(slow):
    doubling = slow(largest=4)
    doubling.go.set()
    results = {}

    def call(number):
        results[number] = doubling.ask(number)[0].result(20)

    callers = [threading.Thread(target=call, args=[n]) for n in range(50)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == {n: 2 * n for n in range(50)}
    assert sum(doubling.sizes) == 50
    assert max(doubling.sizes) <= 4


def test_what_comes_during_a_batch_is_the_next_batch(slow):
    doubling = slow(largest=8)
    first = doubling.ask(1)
    assert doubling.began.wait(20)
    later = doubling.ask(*range(11))
    doubling.go.set()
    assert [each.result(20) for each in first + later] == [2, *(2 * n for n in range(11))]
    assert doubling.sizes == [1, 8, 3]


def test_who_is_alone_does_not_wait_for_others(slow):
    doubling = slow(window=30.0)
    doubling.go.set()
    assert doubling.ask(4)[0].result(5) == 8


def test_a_batch_waits_for_what_is_on_its_way(slow):
    doubling = slow(window=30.0, largest=2)
    doubling.go.set()
    one, two = doubling.batcher.promise(2)
    doubling.batcher.ask(1, FOREVER, one)
    time.sleep(0.05)
    assert doubling.sizes == []
    doubling.batcher.ask(2, FOREVER, two)
    assert (one.result(20), two.result(20)) == (2, 4)
    assert doubling.sizes == [2]


def test_beyond_the_capacity_is_refused_with_a_time_to_come_again(slow):
    doubling = slow(capacity=3, largest=1)
    doubling.batcher.seconds_each = 4.0
    futures = doubling.ask(1, 2)
    with pytest.raises(Refused) as refused:
        doubling.batcher.promise(2)
    assert (refused.value.http, refused.value.headers) == (429, {"Retry-After": "8"})
    futures += doubling.ask(3)
    doubling.go.set()
    assert [each.result(20) for each in futures] == [2, 4, 6]
    assert doubling.batcher.promised == 0


def test_more_than_there_ever_is_is_refused_as_such(slow):
    with pytest.raises(Refused) as refused:
        slow(capacity=3).batcher.promise(4)
    assert (refused.value.http, refused.value.details) == (400, "at most 3 pictures in a call")


def test_callers_take_turns_in_a_batch(slow):
    doubling = slow(largest=4)
    first = doubling.ask(0, caller="many")
    assert doubling.began.wait(20)
    many = doubling.ask(*range(1, 13), caller="many")
    few = doubling.ask(100, caller="few")
    order = []
    for name, futures in (("many", many), ("few", few)):
        for future in futures:
            future.add_done_callback(lambda _, name=name: order.append(name))
    doubling.go.set()
    for future in [*first, *many, *few]:
        future.result(20)
    assert order.index("few") < 4


def test_the_last_places_are_for_callers_who_have_none(slow):
    batcher = slow(capacity=16).batcher
    many = batcher.promise(14, "many")
    with pytest.raises(Refused) as refused:
        batcher.promise(1, "many")
    assert refused.value.http == 429
    few = batcher.promise(2, "few")
    with pytest.raises(Refused):
        batcher.promise(1, "few")
    for future in many + few:
        future.cancel()
    assert batcher.promise(16, "many")  # alone, a caller may have them all


def test_a_slow_model_has_small_batches():
    sizes = []

    def answer(items):
        sizes.append(len(items))
        time.sleep(0.05 * len(items))
        return items

    batcher = Batcher(answer, largest=32)
    batcher.ask(0, FOREVER, batcher.promise()[0])
    while not sizes:
        time.sleep(0.001)
    futures = batcher.promise(40)
    for future in futures:
        batcher.ask(1, FOREVER, future)
    for future in futures:
        future.result(20)
    assert max(sizes) <= 10  # half a second
    batcher.close()


def test_what_is_answered_is_not_kept(slow):
    class Picture:
        pass

    doubling = slow()
    future = doubling.batcher.promise()[0]
    picture = Picture()
    watched = weakref.ref(picture)
    first = doubling.ask(1)  # holds the thread
    assert doubling.began.wait(20)
    doubling.batcher.ask(picture, FOREVER, future)
    del picture
    future.cancel()
    assert watched() is None
    doubling.go.set()
    first[0].result(20)


def test_a_place_is_given_back_however_it_ends(slow):
    batcher = slow(capacity=2).batcher
    failed, forgotten = batcher.promise(2)
    failed.set_exception(ValueError())
    forgotten.cancel()
    assert batcher.promised == 0


def test_what_is_late_is_not_computed(slow):
    doubling = slow()
    first = doubling.ask(1)[0]
    assert doubling.began.wait(20)
    late, soon = doubling.ask(2, deadline=time.monotonic()), doubling.ask(3)
    doubling.go.set()
    assert first.result(20) == 2
    with pytest.raises(Unanswered) as error:
        late[0].result(20)
    assert error.value.code.number == 98009
    assert soon[0].result(20) == 6
    assert doubling.sizes == [1, 1]


def test_a_failure_is_the_callers_and_the_thread_goes_on():
    def answer(items):
        if 13 in items:
            raise ValueError("13")
        return items

    batcher = Batcher(answer, largest=1)
    bad, good = batcher.promise(2)
    batcher.ask(13, FOREVER, bad)
    batcher.ask(14, FOREVER, good)
    with pytest.raises(ValueError, match="13"):
        bad.result(20)
    assert good.result(20) == 14
    batcher.close()


def test_closing_answers_what_was_asked(slow):
    doubling = slow(largest=2)
    futures = doubling.ask(*range(7))
    doubling.go.set()
    doubling.batcher.close()
    assert [each.result(0) for each in futures] == [2 * n for n in range(7)]
