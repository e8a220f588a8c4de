"""Pictures of many callers, answered in batches by one thread (dynamic batching).

A batch begins with the picture that is next and takes what comes within a few milliseconds, as long
as there is anything on its way: a caller who is alone never waits. While one batch is computed the
next one gathers by itself, so that batches grow with the load. Callers take turns within a batch,
and a batch of a slow model is small, so that nobody waits long for a caller who sends much.
"""

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from striate.serving.refusals import INVALID_REQUEST, LATE, Refused, Unanswered, full
from striate.serving.workers import emptied

Item = TypeVar("Item")
Answer = TypeVar("Answer")
LONGEST = 0.5  # seconds that a batch should take, as far as pictures before it tell
SPARED = 8  # one place of so many is left to callers who have nothing waiting


@dataclass(eq=False)
class Waiting(Generic[Item, Answer]):
    """A picture on its way to an answer, and when nobody waits for that any more."""

    item: Item | None
    deadline: float
    future: "Future[Answer]"

    def forget(self, _: "Future[Answer]") -> None:
        """Lets go of the picture."""
        self.item = None


class Batcher(Generic[Item, Answer]):
    """One thread that answers what any thread asks.

    Args:
        answer: items to as many answers, in their order.
        largest: items of a batch.
        window: seconds that a batch waits for more.
        capacity: items that are promised and not yet answered, at most.
        observe: called after every batch: how many items, and how many seconds.
    """

    def __init__(
        self,
        answer: Callable[[list[Item]], Sequence[Answer]],
        *,
        largest: int = 32,
        window: float = 0.003,
        capacity: int = 512,
        observe: Callable[[int, float], None] = lambda count, seconds: None,
    ):
        self._answer, self._observe = answer, observe
        self.largest, self.window, self.capacity = largest, window, capacity
        self.promised = 0
        self.seconds_each = 0.0  # until it is measured
        self._callers: Counter[Hashable] = Counter()
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, deque[Waiting[Item, Answer]]] = OrderedDict()
        self._open = True
        self._thread = threading.Thread(target=self._run, name="striate-infer", daemon=True)
        self._thread.start()

    def promise(self, count: int = 1, caller: Hashable = None) -> "list[Future[Answer]]":
        """Places for so many items: each is taken until its future is done, however that ends.

        The last places are for callers who have no others.

        Raises:
            Refused: 400, if there are never as many; 429, if there are not as many left, with the
                time to come again.
        """
        if count > self.capacity:
            raise Refused(400, INVALID_REQUEST, f"at most {self.capacity} pictures in a call")
        with self._changed:
            spared = self.capacity // SPARED
            few = count <= spared and not self._callers[caller]
            room = self.capacity - self.promised - (0 if few or not self.promised else spared)
            if count > room:
                raise full(self.promised * self.seconds_each)
            self.promised += count
            self._callers[caller] += count
        futures: list[Future[Answer]] = [Future() for _ in range(count)]
        for future in futures:
            future.add_done_callback(lambda _: self._released(caller))
        return futures

    def _released(self, caller: Hashable) -> None:
        with self._changed:
            self.promised -= 1
            self._callers[caller] -= 1
            if not self._callers[caller]:
                del self._callers[caller]

    def ask(
        self, item: Item, deadline: float, future: "Future[Answer]", caller: Hashable = None
    ) -> None:
        """Has a promised future get the answer, or `Unanswered` after the deadline (monotonic)."""
        waiting = Waiting(item, deadline, future)
        future.add_done_callback(waiting.forget)
        with self._changed:
            self._waiting.setdefault(caller, deque()).append(waiting)
            self._changed.notify()

    def close(self) -> None:
        """Answers what was asked, and ends the thread."""
        with self._changed:
            self._open = False
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._gathered():
            now = time.monotonic()
            alive = []
            for each in batch:
                if not each.future.set_running_or_notify_cancel():
                    continue  # nobody waits for it any more
                if each.deadline < now:
                    each.future.set_exception(Unanswered(LATE))
                else:
                    alive.append(each)
            del batch
            if alive:
                self._compute(alive)
            del alive

    def _gathered(self) -> list[Waiting[Item, Answer]]:
        """The next batch; empty when there will be no more."""
        batch: list[Waiting[Item, Answer]] = []
        with self._changed:
            while not self._waiting:
                if not self._open:
                    return batch
                self._changed.wait()
            until = time.monotonic() + self.window
            most = self._most()
            while True:
                while self._waiting and len(batch) < most:
                    batch.append(self._next())
                patience = until - time.monotonic()
                on_their_way = self.promised > len(batch)
                if len(batch) == most or not self._open or not on_their_way or patience <= 0:
                    return batch
                self._changed.wait(patience)

    def _most(self) -> int:
        """How many items the next batch may have."""
        if not self.seconds_each:
            return self.largest
        return max(1, min(self.largest, int(LONGEST / self.seconds_each)))

    def _next(self) -> Waiting[Item, Answer]:
        """The first item of the caller whose turn it is."""
        caller, queue = next(iter(self._waiting.items()))
        first = queue.popleft()
        if queue:
            self._waiting.move_to_end(caller)
        else:
            del self._waiting[caller]
        return first

    def _compute(self, batch: list[Waiting[Item, Answer]]) -> None:
        start = time.monotonic()
        try:
            items: Any = [each.item for each in batch]
            answers: Sequence[Any] = self._answer(items)
            del items
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers to {len(batch)} items")
        except BaseException as error:  # the thread goes on, and the caller hears of it
            emptied(error)
            for each in batch:
                each.future.set_exception(error)
            return
        seconds = time.monotonic() - start
        weight = 1.0 if not self.seconds_each else 1 / 8
        self.seconds_each += (seconds / len(batch) - self.seconds_each) * weight
        for each, answer in zip(batch, answers, strict=True):
            each.future.set_result(answer)
        self._observe(len(batch), seconds)
