"""From a file to its tags: checked, decoded in a thread, computed in a batch, and told.

A file is a picture or a video; of a video every frame that is looked at goes the way of a picture.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from striate.errors import ImageError
from striate.serving import refusals, video
from striate.serving.media import check
from striate.serving.models import Answer, Prepared, Served
from striate.serving.refusals import Refused, Unanswered
from striate.serving.settings import Limits
from striate.serving.shapes import OutputConfig

AGAIN = 0.05  # seconds until a frame asks again for a place


@dataclass(frozen=True)
class Call:
    """One call: the model it began with, what it wants, and until when (monotonic)."""

    served: Served
    config: OutputConfig
    deadline: float
    pool: ThreadPoolExecutor
    limits: Limits

    @property
    def names(self) -> dict[str, str]:
        """Class to name in the language asked for; empty for the classes' own names."""
        return self.served.languages.get(self.config.language or "", {})

    def places(self, count: int) -> "list[Future[Answer]]":
        """Places in the model's queue.

        Raises:
            Refused: 429, if there are not as many.
        """
        return self.served.batcher.promise(count)

    def start(self, make: Callable[[], Prepared], future: "Future[Answer]") -> None:
        """Has a thread make what the model takes, and the model answer it."""
        self.pool.submit(self._prepared, make, future)

    def _prepared(self, make: Callable[[], Prepared], future: "Future[Answer]") -> None:
        try:
            if time.monotonic() > self.deadline:
                raise Unanswered(refusals.LATE)
            prepared = make()
        except ImageError as error:
            failed: BaseException = Unanswered(refusals.UNREADABLE, str(error))
        except BaseException as error:  # it is raised where the answer is waited for
            failed = error
        else:
            self.served.batcher.ask(prepared, self.deadline, future)
            return
        if future.set_running_or_notify_cancel():
            future.set_exception(failed)

    def picture(self, data: bytes) -> Prepared:
        """What the model takes of a picture's file; in a thread."""
        check(data, self.limits)
        return self.served.prepare(data)

    async def answer(self, future: "Future[Answer]") -> Answer:
        """The answer, when it is there.

        Raises:
            Unanswered: why there is none.
        """
        return await asyncio.wrap_future(future)

    async def tagged(self, future: "Future[Answer]") -> dict[str, Any]:
        """The tags, when they are there."""
        return self.tags(await self.answer(future))

    def left(self) -> float:
        """Seconds until the deadline.

        Raises:
            Unanswered: if there are none.
        """
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise Unanswered(refusals.LATE)
        return seconds

    def tags(self, answer: Answer) -> dict[str, Any]:
        """`{"known", "concepts"}`: the most probable first, as many as asked for."""
        names, classes, config = self.names, self.served.classes, self.config
        chosen = self.selected()
        concepts: list[dict[str, Any]] = []
        for k in np.argsort(-answer.probabilities, kind="stable").tolist():
            value = float(answer.probabilities[k])
            if len(concepts) == config.max_concepts or value < config.min_value:
                break
            if chosen is None or k in chosen:
                kind = classes[k]
                name = names.get(kind, kind)
                concepts.append({"id": kind, "name": name, "value": value, "app_id": "striate"})
        return {"known": answer.known, "concepts": concepts}

    def selected(self) -> set[int] | None:
        """The numbers of the classes asked for; None for all."""
        if not self.config.select_concepts:
            return None
        names = self.names
        ids = {s.id for s in self.config.select_concepts if s.id}
        words = {s.name for s in self.config.select_concepts if s.name}
        return {
            k
            for k, kind in enumerate(self.served.classes)
            if kind in ids or kind in words or names.get(kind) in words
        }

    async def frames(self, file: BinaryIO) -> dict[str, Any]:
        """`{"frames": [...]}` of a video."""
        waiting: list[tuple[video.Frame, Future[Answer]]] = []
        config = self.config
        watched = video.watch(file, config.sample_ms, self.limits, thumbnails=config.thumbnails)
        async with aclosing(watched):
            async for frame in watched:
                future = await self._place_in_time()
                self.start(partial(self.served.prepare_pixels, frame.pixels), future)
                waiting.append((frame.without_pixels(), future))
        return {"frames": [self._frame(f, await self.answer(each)) for f, each in waiting]}

    async def _place_in_time(self) -> "Future[Answer]":
        """A place, waited for: a video does not crowd out pictures, and is not refused halfway."""
        while True:
            try:
                return self.places(1)[0]
            except Refused:
                if time.monotonic() > self.deadline:
                    raise Unanswered(refusals.LATE) from None
                await asyncio.sleep(AGAIN)

    def _frame(self, frame: video.Frame, answer: Answer) -> dict[str, Any]:
        info = {"index": frame.index, "time": frame.milliseconds}
        found: dict[str, Any] = {"frame_info": info, "data": self.tags(answer)}
        return found | ({"thumbnail": frame.thumbnail} if frame.thumbnail else {})

    def output(
        self, given: dict[str, Any], found: dict[str, Any] | Unanswered, *, now: str
    ) -> dict[str, Any]:
        """One entry of `outputs`."""
        failed = isinstance(found, Unanswered)
        return {
            "id": uuid.uuid4().hex,
            "status": refusals.status(found.code, found.details) if isinstance(found, Unanswered)
            else refusals.status(refusals.OK),
            "created_at": now,
            "model": told(self.served),
            "input": given,
            "data": {} if failed else found,
        }  # fmt: skip


def told(served: Served) -> dict[str, Any]:
    """What is said of a model in every answer."""
    return {"id": served.name, "name": served.name, "model_version": {"id": served.version}}


def utc() -> str:
    """Now, as RFC 3339 has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def outcome(outputs: list[dict[str, Any]], request: str) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of a call with these outputs."""
    good = sum(each["status"]["code"] == refusals.OK.number for each in outputs)
    if good == len(outputs):
        http, code = 200, refusals.OK
    elif good:
        http, code = 207, refusals.MIXED
    else:
        http, code = 422, refusals.FAILURE
    return http, {"status": refusals.status(code, request=request), "outputs": outputs}
