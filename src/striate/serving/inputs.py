"""What came with a call - files, base64, links - turned into tags, each input by itself."""

import asyncio
import base64
import binascii
import tempfile
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile

from striate.errors import ImageError
from striate.serving import links, refusals, shapes
from striate.serving.explaining import Explained, explain
from striate.serving.media import check
from striate.serving.models import Prepared
from striate.serving.refusals import Refused, Unanswered
from striate.serving.service import Service
from striate.serving.shapes import Source
from striate.serving.tagging import Call

Found = dict[str, Any] | Unanswered


async def attempt(answering: Awaitable[dict[str, Any]]) -> Found:
    """The answer, or why there is none."""
    try:
        return await answering
    except Unanswered as error:
        return error


async def of_files(call: Call, files: Sequence[UploadFile]) -> list[Found]:
    """Tags of uploaded pictures."""
    futures = call.places(len(files))
    for file, future in zip(files, futures, strict=True):
        call.start(partial(whole, call, file.file), future)
    return [await attempt(call.tagged(future)) for future in futures]


def whole(call: Call, file: BinaryIO) -> Prepared:
    """What the model takes of a file; in a thread."""
    return call.picture(file.read(call.limits.image_bytes + 1))


async def of_film(service: Service, call: Call, file: UploadFile) -> dict[str, Any]:
    """Tags of the frames of an uploaded video."""
    if (file.size or 0) > call.limits.video_bytes:
        raise Unanswered(refusals.VIDEO_TOO_LARGE)
    file.file.rollover()  # type: ignore[attr-defined]
    async with service.videos.turn():
        return await call.frames(file.file)


async def of_inputs(service: Service, call: Call, inputs: Sequence[shapes.Input]) -> list[Found]:
    """Tags of what came as JSON."""
    pictures = [each for each in inputs if "image" in each.data.model_fields_set]
    futures = iter(call.places(len(pictures)))
    working: list[asyncio.Task[Found]] = []
    for each in inputs:
        if "image" in each.data.model_fields_set:
            answering = of_picture(service, call, each.data.image, next(futures))
        else:
            answering = of_source(service, call, each.data.video)
        working.append(asyncio.create_task(attempt(answering)))
    try:
        return list(await asyncio.gather(*working))
    finally:
        for task in working:
            task.cancel()


async def of_picture(service: Service, call: Call, source: Source, future: Any) -> dict[str, Any]:
    """Tags of one picture."""
    try:
        if source.url:
            data = await fetched(service, call, source.url, film=False)
            call.start(partial(call.picture, data), future)
        else:
            call.start(lambda: call.picture(unpacked(source.base64)), future)
    except BaseException as error:
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
    return await call.tagged(future)


async def of_source(service: Service, call: Call, source: Source) -> dict[str, Any]:
    """Tags of the frames of one video."""
    async with service.videos.turn():
        if source.url:
            data = await fetched(service, call, source.url, film=True)
        else:
            data = unpacked(source.base64, refusals.VIDEO_UNREADABLE)
        if len(data) > call.limits.video_bytes:
            raise Unanswered(refusals.VIDEO_TOO_LARGE)
        with tempfile.TemporaryFile() as file:
            await asyncio.to_thread(file.write, data)
            file.flush()
            return await call.frames(file)


def unpacked(text: str, code: refusals.Code = refusals.UNREADABLE) -> bytes:
    """What base64 stands for."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unanswered(code, "not base64") from error


async def fetched(service: Service, call: Call, link: str, *, film: bool) -> bytes:
    """What is at a link; whatever is wrong with it, the words are the same."""
    if service.fetcher is None:
        raise Unanswered(refusals.BAD_LINK, "links are off; striate serve --allow-links")
    limit = call.limits.video_bytes if film else call.limits.image_bytes
    seconds = call.left()
    following = asyncio.get_running_loop().run_in_executor(
        service.fetcher.pool,
        partial(service.fetcher.fetch, link, limit=limit, seconds=seconds),
    )
    try:
        async with asyncio.timeout(seconds):
            return await following
    except links.BadLink as error:
        raise Unanswered(refusals.BAD_LINK) from error
    except (links.NotFetched, TimeoutError) as error:
        code = refusals.VIDEO_NOT_FETCHED if film else refusals.NOT_FETCHED
        raise Unanswered(code) from error


async def explained(
    service: Service, call: Call, file: UploadFile, class_name: str | None
) -> Explained:
    """The heat map of an uploaded picture.

    Raises:
        Refused: 422 with the reason, if the picture cannot be read.
    """

    def work() -> Explained:
        data = file.file.read(call.limits.image_bytes + 1)
        check(data, call.limits)
        return explain(call.served.recognizer, data, class_name)

    async with service.explanations.turn():
        try:
            return await asyncio.get_running_loop().run_in_executor(service.explaining, work)
        except Unanswered as error:
            raise Refused(422, error.code, error.details) from error
        except ImageError as error:
            raise Refused(422, refusals.UNREADABLE, str(error)) from error
