"""The frames of a video, from a process that is killed when it takes too long (`frames.py`)."""

import asyncio
import contextlib
import json
import logging
import math
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.serving import frames
from striate.serving.account import Share
from striate.serving.media import PEEK, container_of
from striate.serving.refusals import LATE, VIDEO_TOO_LARGE, VIDEO_UNREADABLE, Unanswered
from striate.serving.settings import Limits
from striate.serving.stopping import Stopping

MEMORY = 4 * 2**30  # bytes of address space: FFmpeg's libraries and one frame's neighbors
logger = logging.getLogger(__name__)
FAILED = json.dumps({"error": frames.UNREADABLE})  # it ended without a word
SHARE = 5  # a frame of a video may have this part of a picture's pixels
NOTHING: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame: its number among those taken, when it is shown, (H, W, 3) uint8, upright.

    Attributes:
        share: the bytes that it takes; whoever gets the frame closes it.
    """

    index: int
    milliseconds: int
    pixels: NDArray[np.uint8]
    share: Share
    thumbnail: str = ""

    def without_pixels(self) -> "Frame":
        """All but the pixels, so that a long video is not kept."""
        return replace(self, pixels=NOTHING)


def possible() -> bool:
    """Whether what decodes videos is installed."""
    return find_spec("av") is not None


async def watch(
    file: BinaryIO, sample_ms: int, limits: Limits, stopping: Stopping, *,
    room: Callable[[int, int], Awaitable[Share]], seconds: float, thumbnails: bool = False,
) -> AsyncGenerator[Frame, None]:  # fmt: skip
    """The first frame of every `sample_ms` milliseconds.

    Args:
        file: with a descriptor of its own, on disk.
        stopping: cuts it short.
        room: takes the bytes for a frame of a height and width, before it is read.
        seconds: that it may take, beside the limit on work.

    Raises:
        Unanswered: if it is not a video, too long or too large, or took too long.
    """
    if not possible():
        raise Unanswered(VIDEO_UNREADABLE, "this service does not read videos")
    file.seek(0)
    container = container_of(file.read(PEEK))
    if container is None:
        raise Unanswered(VIDEO_UNREADABLE, frames.UNREADABLE)
    file.seek(0, os.SEEK_END)  # forgets what was read ahead, which closing would wind back by
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    asked = {
        "container": container,
        "sample_ms": sample_ms,
        "thumbnails": thumbnails,
        "pixels": limits.pixels // SHARE,
        "frames": limits.frames,
        "seconds": limits.video_seconds,
        "memory": MEMORY,
        "patience": math.ceil(limits.video_patience),
    }
    until = asyncio.get_running_loop().time() + min(seconds, limits.video_patience)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(Path(frames.__file__)), json.dumps(asked),
        stdin=file, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=2**22,
        env={},
    )  # fmt: skip
    assert process.stdout is not None
    share: Share | None = None
    try:
        while True:
            try:
                async with stopping.until(until):
                    line = await process.stdout.readline()
                    about: dict[str, Any] = json.loads(line or FAILED)
                    if "shape" not in about:
                        break
                    height, width, channels = about["shape"]
                    share = held = await room(height, width)
                    data = await process.stdout.readexactly(height * width * channels)
            except TimeoutError:
                raise Unanswered(LATE) from None
            except asyncio.IncompleteReadError:  # it was killed in the middle of a frame
                raise Unanswered(VIDEO_UNREADABLE, frames.UNREADABLE) from None
            pixels = np.frombuffer(data, np.uint8).reshape(about["shape"])
            share = None
            yield Frame(about["index"], about["time"], pixels, held, about.get("thumbnail", ""))
            del data, pixels, held
    finally:
        if share:
            share.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                process.kill()
        await process.communicate()
    if "error" in about:
        logger.info("a video was not read: %s", about.get("kind", "it ended without a word"))
        large = about["error"] == frames.TOO_LARGE
        raise Unanswered(VIDEO_TOO_LARGE if large else VIDEO_UNREADABLE, about["error"])
