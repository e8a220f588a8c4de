"""Pictures of many callers, answered in batches by one thread (dynamic batching).

A batch begins with the picture that has waited longest and takes what comes within a few
milliseconds, as long as there is anything on its way: a caller who is alone never waits. While one
batch is computed the next one gathers by itself, so that batches grow with the load.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from striate.serving.refusals import LATE, Unanswered, full

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Waiting(Generic[Item, Answer]):
    """A picture on its way to an answer, and when nobody waits for that any more."""

    item: Item
    deadline: float
    future: Future[Answer]


class Batcher(Generic[Item, Answer]):
    """One thread that answers what any thread asks.

    Args:
        answer: items to as many answers, in their order.
        largest: items of a batch.
        window: seconds that a batch waits for more.
        capacity: items that are promised and not yet answered, at most.
        observe: is told of every batch: how many items, and how many seconds.
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
        self.seconds_each = 0.02  # a guess, until it is measured
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Waiting[Item, Answer] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="striate-infer", daemon=True)
        self._thread.start()

    def promise(self, count: int = 1) -> list[Future[Answer]]:
        """Places for so many items: each is taken until its future is done, however that ends.

        Raises:
            Refused: if there are not as many places left; with the time to come again.
        """
        with self._lock:
            if self.promised + count > self.capacity:
                raise full(self.promised * self.seconds_each)
            self.promised += count
        futures: list[Future[Answer]] = [Future() for _ in range(count)]
        for future in futures:
            future.add_done_callback(self._released)
        return futures

    def _released(self, _: Future[Answer]) -> None:
        with self._lock:
            self.promised -= 1

    def ask(self, item: Item, deadline: float, future: Future[Answer]) -> None:
        """Has a promised future get the answer, or `Unanswered` after the deadline (monotonic)."""
        self._queue.put(Waiting(item, deadline, future))

    def close(self) -> None:
        """Answers what was asked, and ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._gathered()
            now = time.monotonic()
            alive = []
            for each in batch:
                if not each.future.set_running_or_notify_cancel():
                    continue  # nobody waits for it any more
                if each.deadline < now:
                    each.future.set_exception(Unanswered(LATE))
                else:
                    alive.append(each)
            if alive:
                self._compute(alive)

    def _gathered(self) -> tuple[list[Waiting[Item, Answer]], bool]:
        """The next batch, and whether there will be another one."""
        first = self._queue.get()
        if first is None:
            return [], False
        batch, until = [first], time.monotonic() + self.window
        while len(batch) < self.largest:
            patience = until - time.monotonic() if self.promised > len(batch) else 0.0
            try:
                item = self._queue.get(timeout=max(patience, 0.0))
            except queue.Empty:
                break
            if item is None:
                return batch, False
            batch.append(item)
        return batch, True

    def _compute(self, batch: list[Waiting[Item, Answer]]) -> None:
        start = time.monotonic()
        try:
            answers = self._answer([each.item for each in batch])
        except BaseException as error:  # the thread goes on, and the caller hears of it
            for each in batch:
                each.future.set_exception(error)
            return
        seconds = time.monotonic() - start
        self.seconds_each += (seconds / len(batch) - self.seconds_each) / 8
        for each, answer in zip(batch, answers, strict=True):
            each.future.set_result(answer)
        self._observe(len(batch), seconds)
