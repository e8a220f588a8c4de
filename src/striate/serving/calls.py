"""A call: its pictures are checked, decoded in turn with others', and answered in batches.

A file is a picture or a video; of a video every frame that is taken goes the way of a picture.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, TypeVar

from numpy.typing import NDArray

from striate.errors import InputError
from striate.serving import refusals, video
from striate.serving.account import Line, Share, bytes_of
from striate.serving.gates import of_parts
from striate.serving.models import Served
from striate.serving.refusals import Refused, Unanswered
from striate.serving.settings import Limits
from striate.serving.shapes import OutputConfig
from striate.serving.stopping import Stopping
from striate.serving.workers import Workers

AGAIN = 0.03  # seconds until a frame asks again for a place
Result = TypeVar("Result")


@dataclass(eq=False)
class Place:
    """One picture of a call: where its answer comes, and the bytes that it holds until then."""

    future: "Future[Any]"
    share: Share | None = None
    work: "Future[Any] | None" = None

    def follow(self, work: "Future[Any]") -> None:
        """This is being done for it: what fails there fails here."""
        self.work = work
        work.add_done_callback(self._worked)
        if self.future.done():
            work.cancel()

    def _worked(self, work: "Future[Any]") -> None:
        if not work.cancelled() and (error := work.exception()):
            self.fail(error)

    def hold(self, share: Share) -> None:
        """What was prepared, and is given back when it is answered."""
        self.share = share
        self.future.add_done_callback(lambda _: share.close())

    def fail(self, error: BaseException) -> None:
        """There is no answer."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)

    def leave(self) -> None:
        """Nobody waits for it any more."""
        self.future.cancel()
        if self.work:
            self.work.cancel()


class Shown(NamedTuple):
    """A frame of a video: its number, when it is shown, and its answer."""

    frame: video.Frame
    answer: Any


class Film(NamedTuple):
    """The frames of a video in order; all of them, unless the service stopped."""

    frames: Sequence[Shown]
    whole: bool


@dataclass(eq=False)
class Call:
    """One call: the model it began with, what it wants, and until when (monotonic).

    Attributes:
        caller: takes turns with others.
        share: bytes that it holds until it has been answered: its body, its answer.
        places: of its pictures.
    """

    served: Served
    config: OutputConfig
    deadline: float
    workers: Workers
    limits: Limits
    caller: Hashable
    share: Share
    places: list[Place] = field(default_factory=list)

    def __enter__(self) -> "Call":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whoever has left, or been refused, is not worked for any more."""
        for place in self.places:
            place.leave()

    @property
    def names(self) -> dict[str, str]:
        """Class to name in the language asked for; empty for the classes' own names."""
        return self.served.languages.get(self.config.language or "", {})

    def take(self, count: int, each: int) -> list[Place]:
        """Places in the model's queue, and room for the answers.

        Args:
            each: bytes of an answer.

        Raises:
            Refused: 400, 429 or 503, if there are not as many.
        """
        futures = self.served.batcher.promise(count, self.caller)
        if not self.share.grow(count * each):
            for future in futures:
                future.cancel()
            raise refusals.exhausted()
        places = [Place(future) for future in futures]
        self.places += places
        return places

    def entries(self) -> int:
        """Bytes of an answer in Clarifai's form."""
        config = self.config
        return self.served.cost.entries(config.max_concepts, thumbnail=config.thumbnails)

    def file(self, place: Place, read: Callable[[], bytes | tuple[bytes, ...]]) -> None:
        """Has threads read, check and prepare what a file holds, or several that are asked about
        together, and the model answer it."""
        work = self._submit(partial(self._checked, place, read))
        place.follow(work)

    def pixels(self, place: Place, pixels: NDArray[Any]) -> None:
        """Has the model answer pixels that are prepared already."""
        self.served.batcher.ask(pixels, self.deadline, place.future, self.caller)

    def _submit(self, run: Callable[[Share], Result], cost: int = 0) -> "Future[Result]":
        return self.workers.submit(self.caller, run, cost=cost, deadline=self.deadline)

    def _checked(
        self, place: Place, read: Callable[[], bytes | tuple[bytes, ...]], _: Share
    ) -> None:
        data = read()
        thing = self.served.recognizer.task.takes
        cost = of_parts(thing, data, self.limits, self.served.cost)
        if cost > self.workers.account.most[Line.WORKING]:
            raise Unanswered(refusals.TOO_LARGE, "it takes too much memory to read")
        place.follow(self._submit(partial(self._prepared, place, data), cost))

    def _prepared(self, place: Place, source: Any, share: Share) -> None:
        try:
            prepared = self.served.predictor.prepare(source)
        except InputError as error:
            raise Unanswered(refusals.UNREADABLE, str(error)) from None
        share.keep(bytes_of(prepared))
        place.hold(share)
        self.served.batcher.ask(prepared, self.deadline, place.future, self.caller)

    async def answer(self, place: Place) -> Any:
        """The answer, when it is there.

        Raises:
            Unanswered: why there is none.
        """
        try:
            async with asyncio.timeout(max(0.0, self.deadline - time.monotonic()) + AGAIN):
                return await asyncio.wrap_future(place.future)
        except TimeoutError:
            place.leave()
            raise Unanswered(refusals.LATE) from None

    async def work(self, run: Callable[[], Result]) -> Result:
        """What a thread gives, in turn with other callers' work."""
        return await asyncio.wrap_future(self.workers.submit(self.caller, lambda _: run()))

    def left(self) -> float:
        """Seconds until the deadline.

        Raises:
            Unanswered: if there are none.
        """
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise Unanswered(refusals.LATE)
        return seconds

    async def film(self, file: BinaryIO, stopping: Stopping) -> Film:
        """The frames of a video, answered; of one that stopping cuts short, those until then."""
        waiting: list[tuple[video.Frame, Place]] = []
        whole, config = True, self.config
        watched = video.watch(
            file, config.sample_ms, self.limits, stopping,
            thumbnails=config.thumbnails, room=self._frame_room, seconds=self.left(),
        )  # fmt: skip
        try:
            async with aclosing(watched):
                async for frame in watched:
                    place = await self._place_in_time(frame.share)
                    place.follow(self._submit(partial(self._framed, place, frame)))
                    waiting.append((frame.without_pixels(), place))
                    del frame
        except Unanswered as error:
            if not (stopping.begun and waiting and error.code is refusals.LATE):
                raise
            whole = False
        return Film([Shown(f, await self.answer(place)) for f, place in waiting], whole)

    def _framed(self, place: Place, frame: video.Frame, _: Share) -> None:
        self._prepared(place, frame.pixels, frame.share)

    async def room(self, share: Share, size: int) -> None:
        """Lets a share grow as soon as there is room.

        Raises:
            Unanswered: if there is none before the deadline, or never.
        """
        if size > share.account.most[share.line]:
            raise Unanswered(refusals.TOO_LARGE, "it takes too much memory")
        while not share.grow(size):
            self.left()
            await asyncio.sleep(AGAIN)

    async def _frame_room(self, height: int, width: int) -> Share:
        share = Share(self.workers.account, Line.WORKING)
        await self.room(share, self.served.cost.frame(height, width))
        return share

    async def _place_in_time(self, share: Share) -> Place:
        """A place, waited for: a video does not crowd out pictures, and is not refused halfway.

        Args:
            share: of the frame, which the place holds.
        """
        try:
            while True:
                try:
                    place = self.take(1, self.entries())[0]
                except Refused:
                    self.left()
                    await asyncio.sleep(AGAIN)
                else:
                    place.hold(share)
                    return place
        except BaseException:
            share.close()
            raise
