"""Threads that work for many callers in turn: one caller's hundred pictures do not delay others.

A piece of work has a cost in bytes. They are taken from the account before it begins, and given
back when it has ended, unless it keeps some for what it has made.
"""

import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from striate.serving.account import Account, Line, Share
from striate.serving.refusals import LATE, Unanswered

Result = TypeVar("Result")
LARGE = 48 * 2**20  # bytes; a piece of work that costs more takes a second or longer
PATIENCE = 1.0  # seconds that a large piece of work waits for room before others like it wait, too


@dataclass(eq=False)
class Work:
    """A piece of work.

    Attributes:
        deadline: when nobody waits for it any more (monotonic).
        skipped: when there was no room for it for the first time.
    """

    run: Callable[[Share], Any]
    cost: int
    share: Share
    deadline: float
    future: "Future[Any]"
    skipped: float | None = None

    def dropped(self, now: float) -> bool:
        """Whether it need not be done: its caller has left, or it is late."""
        if self.future.cancelled():
            return True
        if self.deadline >= now:
            return False
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(Unanswered(LATE))
        return True

    def do(self) -> None:
        """Does it; what fails is raised where the future is waited for."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.run(self.share)
        except BaseException as error:
            self.future.set_exception(emptied(error))
        else:
            self.future.set_result(result)

    def forget(self, _: "Future[Any]") -> None:
        """Lets go of what it would work on."""
        self.run = nothing


class Workers:
    """Threads that work in turn for the callers.

    Args:
        threads: that may do large pieces of work at once; one more does small ones alone.
        total, coming: of the account.
    """

    def __init__(self, threads: int, total: int, coming: int):
        self._changed = threading.Condition()
        self.account = Account(total, coming, self._notify)
        self._waiting: OrderedDict[Hashable, deque[Work]] = OrderedDict()
        self._open, self._large, self._most = True, 0, threads
        self._threads = [
            threading.Thread(target=self._run, name="striate-work", daemon=True)
            for _ in range(threads + 1)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, caller: Hashable, run: Callable[[Share], Result], *, cost: int = 0,
        deadline: float = float("inf"),
    ) -> "Future[Result]":  # fmt: skip
        """Has a thread do it when it is the caller's turn and there is room for its cost.

        Args:
            run: called with the share that holds its cost.
            cost: bytes, no more than the account has on the line of work.
            deadline: after it (monotonic) the work is not begun, and `Unanswered` is raised.
        """
        future: Future[Result] = Future()
        work = Work(run, cost, Share(self.account, Line.WORKING), deadline, future)
        future.add_done_callback(work.forget)
        with self._changed:
            self._waiting.setdefault(caller, deque()).append(work)
            self._changed.notify()
        return future

    def close(self) -> None:
        """Ends the threads after everything that was submitted is done."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            work.do()
            share, large = work.share, work.cost > LARGE
            del work  # with what it holds, before its bytes are given back
            if not share.kept:
                share.close()
            if large:
                self._ended()

    def _ended(self) -> None:
        with self._changed:
            self._large -= 1
            self._changed.notify_all()

    def _next(self) -> Work | None:
        """The next piece of work, its cost taken; None when there will be no more."""
        with self._changed:
            while True:
                if work := self._chosen():
                    return work
                if not self._waiting and not self._open:
                    return None
                self._changed.wait(1.0 if self._waiting else None)

    def _chosen(self) -> Work | None:
        """The first of the next caller whose work there is room for."""
        now, blocked = time.monotonic(), self._large >= self._most
        for caller, queue in list(self._waiting.items()):
            while queue and queue[0].dropped(now):
                queue.popleft()
            if not queue:
                del self._waiting[caller]
                continue
            work = queue[0]
            large = work.cost > LARGE
            if large and blocked:
                continue
            if not work.share.grow(work.cost):
                work.skipped = work.skipped or now
                blocked = blocked or now - work.skipped > PATIENCE
                continue
            self._large += large
            queue.popleft()
            self._waiting.move_to_end(caller)
            if not queue:
                del self._waiting[caller]
            return work
        return None


def nothing(share: Share) -> None:
    """What is left to do of work that is done: it holds nothing."""


def emptied(error: BaseException) -> BaseException:
    """An error whose traceback no longer holds what its frames worked on, pixels above all."""
    one: BaseException | None = error
    while one is not None:
        traceback.clear_frames(one.__traceback__)
        one = one.__cause__ or one.__context__
    return error
