"""A program of its own: a video on stdin, some of its frames on stdout, and nothing else.

It is run by its path in an isolated interpreter and imports nothing of striate, so that it starts
at once and may be killed at any time. It limits its own memory, files and time before it reads
anything. FFmpeg is told the container by name, reads through Python, and may open no other file or
address.

For each frame a line of JSON and then height x width x 3 bytes; at the end `{"end": true}`, or
`{"error": ..., "kind": ...}` with one of a few fixed reasons and the name of the exception, for
FFmpeg's own words may repeat what is in the file.
"""

import base64
import io
import json
import os
import sys
from typing import Any, BinaryIO

CODECS = frozenset((
    "h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "libvpx", "libvpx-vp9", "mpeg4", "mpeg2video",
    "mpeg1video", "mjpeg", "msmpeg4v2", "msmpeg4v3", "h263", "theora",
))  # fmt: skip
THUMBNAIL = 160  # pixels of the longer side
UNREADABLE, TOO_LARGE = (
    "not a video that can be read",
    "more pixels, frames or seconds than allowed",
)


def limit(memory: int, seconds: int) -> None:
    """Takes from this process what it does not need."""
    try:
        import resource
    except ImportError:  # Windows has none of these; the parent's clock remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    os.nice(5)


def watch(file: BinaryIO, out: BinaryIO, asked: dict[str, Any]) -> None:
    """Writes every frame that is the first in its `sample_ms`.

    Args:
        asked: `container`, `sample_ms`, `thumbnails`, `pixels` of a frame, `frames`, `seconds`.

    Raises:
        OverflowError: if the video has more of something than is allowed.
        Exception: whatever FFmpeg makes of broken ones.
    """
    import av
    import numpy as np

    step, due, index = asked["sample_ms"] / 1000, 0.0, 0
    options = {"protocol_whitelist": "none", "enable_drefs": "0", "probesize": "5000000"}
    with av.open(file, "r", format=asked["container"], options=options) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        if codec.name not in CODECS:
            raise ValueError(codec.name)
        if (container.duration or 0) > asked["seconds"] * 1e6:
            raise OverflowError
        if codec.width * codec.height > asked["pixels"]:
            raise OverflowError
        codec.thread_count = 1
        start = None
        for frame in container.decode(stream):
            moment = float(frame.time or 0.0)
            start = moment if start is None else start
            moment -= start
            if moment > asked["seconds"] or frame.width * frame.height > asked["pixels"]:
                raise OverflowError
            if moment + 1e-6 < due:
                continue
            if index == asked["frames"]:
                raise OverflowError
            due = max(due + step, moment)
            turns = round(getattr(frame, "rotation", 0) / 90) % 4  # counterclockwise
            pixels = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
            about = {"index": index, "time": round(1000 * moment), "shape": pixels.shape}
            if asked["thumbnails"]:
                about["thumbnail"] = thumbnail(pixels)
            tell(out, about)
            out.write(pixels.data)
            index += 1
    if not index:
        raise ValueError("no frames")


def thumbnail(pixels: Any) -> str:
    """A small JPEG as a data: address."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def tell(out: BinaryIO, what: dict[str, Any]) -> None:
    """One line."""
    out.write(json.dumps(what).encode() + b"\n")
    out.flush()


def main() -> None:
    asked = json.loads(sys.argv[1])
    limit(asked["memory"], asked["patience"])
    out = sys.stdout.buffer
    try:
        watch(sys.stdin.buffer, out, asked)
    except BrokenPipeError:
        os._exit(1)  # nobody reads any more
    except OverflowError:
        tell(out, {"error": TOO_LARGE})
    except Exception as error:
        tell(out, {"error": UNREADABLE, "kind": type(error).__name__})
    else:
        tell(out, {"end": True})
    out.flush()
    os._exit(0)  # FFmpeg's own clean-up may hang on broken files


if __name__ == "__main__":
    main()
