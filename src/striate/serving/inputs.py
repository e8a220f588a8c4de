"""What came with a call - files, base64, links - and the answers to it, each input by itself."""

import asyncio
import base64
import binascii
import io
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import unquote

from starlette.datastructures import UploadFile

from striate.serving import links, refusals, shapes
from striate.serving.account import Line, Share
from striate.serving.answers import Found
from striate.serving.calls import Call, Place
from striate.serving.explaining import explain
from striate.serving.media import check
from striate.serving.refusals import Refused, Unanswered
from striate.serving.service import Service
from striate.serving.shapes import Source
from striate.tasks.contract import Explained

FOR_ADDRESSES = str.maketrans("-_", "+/")
SLOWEST = 1.0  # seconds: a link that is refused at once is answered no sooner than a slow one


async def attempt(answering: Awaitable[Found]) -> Found:
    """The answer, or why there is none."""
    try:
        return await answering
    except Unanswered as error:
        return error


async def of_files(
    call: Call, files: Sequence[UploadFile], question: str | None = None
) -> list[Found]:
    """Answers to uploaded files: to each, or to as many together as one question is about.

    Args:
        question: that is asked about each of them.

    Raises:
        Refused: 400, if they do not come out even, or a question is missing.
    """
    question = wanted(call, question)
    reads: list[partial[Any]] = [partial(whole, call, file.file) for file in files]
    if question is not None:
        reads = [partial(with_question, read, question) for read in reads]
    return await of_reads(call, reads, "file")


def wanted(call: Call, question: str | None) -> str | None:
    """The question, where the model answers some.

    Raises:
        Refused: 400, if it does and there is none.
    """
    if call.served.task.takes != "question":
        return None
    if question is None:
        raise Refused(400, refusals.INVALID_REQUEST, "question: what is asked is missing")
    return question


def with_question(read: Callable[[], bytes], question: str) -> tuple[bytes, bytes]:
    """A picture, and what is asked about it; in a thread."""
    return read(), question.encode("utf-8", "replace")


async def of_reads(call: Call, reads: Sequence[partial[Any]], field: str) -> list[Found]:
    """The same of what reads each of them, in threads.

    Args:
        field: of the call, that they came in.
    """
    each = call.served.task.together
    if len(reads) % each:
        raise Refused(400, refusals.INVALID_REQUEST, f"{field}: {each} {call.served.task.takes}s")
    groups = [reads[start : start + each] for start in range(0, len(reads), each)]
    places = call.take(len(groups), call.entries())
    for group, place in zip(groups, places, strict=True):
        call.file(place, group[0] if each == 1 else partial(all_of, group))
    return [await attempt(call.answer(place)) for place in places]


def all_of(reads: Sequence[partial[Any]]) -> tuple[bytes, ...]:
    """What each of them reads; in a thread."""
    return tuple(read() for read in reads)


def whole(call: Call, file: BinaryIO) -> bytes:
    """The bytes of an uploaded file, which is closed; in a thread."""
    with file:
        return file.read(call.limits.image_bytes + 1)


async def of_upload(service: Service, call: Call, file: UploadFile) -> Found:
    """Answers to the frames of an uploaded video."""
    if (file.size or 0) > call.limits.video_bytes:
        raise Unanswered(refusals.VIDEO_TOO_LARGE)
    await asyncio.to_thread(file.file.rollover)  # type: ignore[attr-defined]
    async with in_turn(service, call):
        return await call.film(file.file, service.stopping)


async def of_inputs(service: Service, call: Call, inputs: Sequence[shapes.Input]) -> list[Found]:
    """Answers to what came as JSON; its videos one after the other."""
    if call.served.task.together > 1:
        return await of_several(call, inputs)
    single = [each for each in inputs if each.data.kind == shapes.KINDS[call.served.task.takes]]
    places = iter(call.take(len(single), call.entries()))
    one_video = asyncio.Lock()
    working: list[asyncio.Task[Found]] = []
    for each in inputs:
        kind, thing = each.data.kind, call.served.task.takes
        if ("image" if kind == "video" else kind) != shapes.KINDS[thing]:
            answering = refused(thing)
        elif kind == "text":
            answering = of_text(call, each.data.text.raw, next(places))
        elif kind == "question":
            answering = of_file(service, call, each.data.source, next(places), each.data.text.raw)
        elif kind != "video":
            answering = of_file(service, call, each.data.source, next(places))
        else:
            answering = of_video(service, call, each.data.video, one_video)
        working.append(asyncio.create_task(attempt(answering)))
    try:
        return list(await asyncio.gather(*working))
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def of_several(call: Call, inputs: Sequence[shapes.Input]) -> list[Found]:
    """Answers where one question is about several inputs: those that stand one after the other.

    Raises:
        Refused: 400, if one is of another kind or a link, or they do not come out even.
    """
    task, reads = call.served.task, []
    for each in inputs:
        source = each.data.source
        if each.data.kind != shapes.KINDS[task.takes] or source is None or source.url:
            details = f"inputs: {task.together} {task.takes}s as base64, one after the other"
            raise Refused(400, refusals.INVALID_REQUEST, details)
        reads.append(partial(unpacked, source.base64))
    return await of_reads(call, reads, "inputs")


async def of_file(
    service: Service, call: Call, source: Source | None, place: Place, question: str | None = None
) -> Found:
    """The answer to one picture or recording, or to a question about a picture."""
    assert source is not None

    def asked(read: Callable[[], bytes]) -> Callable[[], bytes | tuple[bytes, ...]]:
        return read if question is None else partial(with_question, read, question)

    if not source.url:
        call.file(place, asked(partial(unpacked, source.base64)))
        return await call.answer(place)
    with Share(service.workers.account, Line.COMING) as share:
        limit = call.limits.image_bytes
        await call.room(share, limit)
        file = io.BytesIO()
        await fetched(service, call, source.url, file, limit, refusals.NOT_FETCHED)
        share.shrink(file.tell())
        call.file(place, asked(file.getvalue))
        del file
        return await call.answer(place)


async def refused(thing: str) -> Found:
    """The answer to an input of another kind than the model reads."""
    reads = "an image and a text together" if thing == "question" else f"{thing}s"
    raise Unanswered(refusals.UNREADABLE, f"this model reads {reads}")


async def of_text(call: Call, text: str, place: Place) -> Found:
    """The answer to one text."""
    call.file(place, partial(text.encode, "utf-8", "replace"))
    return await call.answer(place)


async def of_video(service: Service, call: Call, source: Source, turn: asyncio.Lock) -> Found:
    """The answers to the frames of one video."""
    limit = call.limits.video_bytes
    async with turn, in_turn(service, call):
        with tempfile.TemporaryFile() as file:
            if source.url:
                code = refusals.VIDEO_NOT_FETCHED
                await fetched(service, call, source.url, file, limit, code)
            else:
                await call.work(partial(unpack_into, file, source.base64, limit))
            return await call.film(file, service.stopping)


@asynccontextmanager
async def in_turn(service: Service, call: Call) -> AsyncIterator[None]:
    """Inside the block it is the call's turn to have a video read.

    Raises:
        Unanswered: if it does not come in time.
        Refused: 429, if too many are waiting.
    """
    async with in_time(service, call):
        await service.videos.take(call.caller)
    try:
        yield
    finally:
        service.videos.give(call.caller)


@asynccontextmanager
async def in_time(service: Service, call: Call) -> AsyncIterator[None]:
    """The block ends before the call's deadline, and soon when the service stops.

    Raises:
        Unanswered: if it does not.
    """
    until = asyncio.get_running_loop().time() + call.left()
    try:
        async with service.stopping.until(until):
            yield
    except TimeoutError:
        raise Unanswered(refusals.LATE) from None


def unpacked(text: str, code: refusals.Code = refusals.UNREADABLE) -> bytes:
    """What base64 stands for: also in lines, as a data address, with the letters that addresses can
    hold (RFC 4648, Section 5) and without padding."""
    with suppress(binascii.Error, ValueError):
        return base64.b64decode(text, validate=True)
    if text[:5].lower() == "data:":
        text = unquote(text.partition(",")[2])
    text = "".join(text.split()).rstrip("=").translate(FOR_ADDRESSES)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Unanswered(code, "not base64") from None


def unpack_into(file: BinaryIO, text: str, limit: int) -> None:
    """The same as a file on disk."""
    data = unpacked(text, refusals.VIDEO_UNREADABLE)
    if len(data) > limit:
        raise Unanswered(refusals.VIDEO_TOO_LARGE)
    file.write(data)
    file.flush()


async def fetched(
    service: Service, call: Call, link: str, file: BinaryIO, limit: int, code: refusals.Code
) -> None:
    """What is at a link, into a file.

    Whatever is wrong with where it leads, the answer is the same and comes at the same time: a
    caller learns nothing of the network that the service stands in.

    Args:
        code: what is answered then.
    """
    if service.fetcher is None:
        raise Unanswered(refusals.BAD_LINK, "links are off; striate serve --allow-links")
    try:
        links.parse(link)
    except links.BadLink:
        raise Unanswered(refusals.BAD_LINK) from None
    began, seconds, stop = time.monotonic(), call.left(), threading.Event()
    fetch = partial(service.fetcher.fetch, link, file, limit=limit, seconds=seconds, stop=stop)
    try:
        async with in_time(service, call):
            await asyncio.get_running_loop().run_in_executor(service.fetcher.pool, fetch)
    except (links.BadLink, links.NotFetched, Unanswered):
        await asyncio.sleep(max(0.0, SLOWEST - (time.monotonic() - began)))
        raise Unanswered(code) from None
    finally:
        stop.set()


async def of_explanation(
    service: Service, call: Call, file: UploadFile, name: str | None, question: str | None = None
) -> Explained:
    """The heat map of an uploaded picture; the turn lasts until its thread has ended.

    Args:
        question: that is asked about it, where the model answers some.

    Raises:
        Refused: with the reason, if there is none.
    """
    question = wanted(call, question)
    try:
        async with in_time(service, call):
            data, cost = await call.work(partial(costly, call, file.file))
            await service.explanations.take(call.caller)
        share, stop = Share(service.workers.account, Line.WORKING), threading.Event()
        loop = asyncio.get_running_loop()

        def ended(_: object) -> None:
            share.close()
            loop.call_soon_threadsafe(service.explanations.give, call.caller)

        try:
            await call.room(share, cost)
        except BaseException:
            ended(None)
            raise
        working = service.explaining.submit(
            explain, call.served, data, name, call.deadline, stop, question
        )
        working.add_done_callback(ended)
        try:
            async with in_time(service, call):
                return await asyncio.wrap_future(working)
        finally:
            stop.set()
    except Unanswered as error:
        http = 504 if error.code is refusals.LATE else 422
        raise Refused(http, error.code, error.details) from None


def costly(call: Call, file: BinaryIO) -> tuple[bytes, int]:
    """An uploaded picture, and the bytes that decoding it takes; in a thread."""
    data = whole(call, file)
    return data, call.served.cost.picture(data, check(data, call.limits))
