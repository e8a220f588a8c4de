"""Bytes to pixels: RGB uint8 (H, W, 3), upright, in sRGB, over white; JPEGs at a scale if asked.

Whatever is wrong with a file becomes one `ImageError` whose text is the short reason; it never
repeats the path, which the caller knows.
"""

import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError
from striate.images.arrays import to_rgb
from striate.images.profiles import in_srgb
from striate.images.reasons import reason

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 256 * 2**20  # of a file, checked before it is read
MAX_PIXELS = 89_478_485  # of the picture that the header promises: 256 MiB as RGB, Pillow's limit
AT_LEAST = 512  # pixels of the shorter side that scaled JPEG decoding leaves
SCALES = (8, 4, 2, 1)  # of JPEG: what a side can be divided by while it is decoded

# Only formats that Pillow decodes by itself: EPS would start Ghostscript, and formats without a
# signature (TGA) would accept any text.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF")
# fmt: off
SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib",
    ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif",
    ".heic", ".heif",  # cannot be read, and should be left out by name instead of passed over
))
# fmt: on


class Header(NamedTuple):
    """What the first bytes of a picture promise."""

    width: int
    height: int
    scalable: bool
    """Whether it can be decoded at a smaller scale."""


class Picture(NamedTuple):
    """A decoded picture.

    Attributes:
        pixels: (H, W, 3) uint8.
        box: left, top, right, bottom of what it shows, in pixels: at a scale, its last column and
            row may be filled by half only.
    """

    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]


def read(path: str | os.PathLike[str], *, at_least: int | None = AT_LEAST) -> NDArray[np.uint8]:
    """The picture in a file, as `decode` gives it: (H, W, 3) uint8.

    Raises:
        ImageError: if it cannot be read; the text is the reason, without the path.
    """
    return decode(load(path), at_least=at_least)


def load(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a picture's file.

    Raises:
        ImageError: if there are none to be had; the text is the reason, without the path.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (before opening: a pipe would wait for its writer)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("is no regular file")
        if status.st_size > MAX_BYTES:
            raise ImageError(f"has {status.st_size:,} bytes, more than the limit of {MAX_BYTES:,}")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        why = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot be read: {why}") from error


def decode(data: bytes, *, at_least: int | None = AT_LEAST) -> NDArray[np.uint8]:
    """The picture in the bytes of a file: (H, W, 3) uint8, EXIF orientation applied.

    Gray is repeated, alpha lies over white, CMYK, YCbCr and LAB become RGB, of 16 bits the upper 8
    count, of an animation the first frame; floats in [0, 1] are scaled. Where a color profile of
    RGB, gray or CMYK is embedded, the colors are brought to sRGB.

    Args:
        at_least: a JPEG is decoded at the smallest of its scales 1, 1/2, 1/4, 1/8 whose shorter
            side is still this many pixels; None for every pixel. Where pixels are to be those that
            a recognizer sees, `render` is the one to call.

    Raises:
        ImageError: if they are no picture, a broken one, or too large; the text is the reason.
    """
    if at_least is None:
        return decode_at(data, 1).pixels
    head = header(data)
    side = min(head.width, head.height)
    return decode_at(data, next((s for s in SCALES if side >= s * at_least), 1)).pixels


def header(data: bytes) -> Header:
    """How large the picture is, before its orientation, and whether it decodes at scales.

    Raises:
        ImageError: as `decode`, as far as the first bytes tell.
    """
    with _opened(data) as image:
        return Header(*image.size, image.format in ("JPEG", "MPO"))


def decode_at(data: bytes, scale: int) -> Picture:
    """The picture with its sides divided by `scale`, one of SCALES, if it is a JPEG.

    Raises:
        ImageError: as `decode`.
    """
    with _opened(data) as image:
        width, height = image.size
        if scale > 1 and (drafted := image.draft(None, _small(width, height, scale))):
            _, (_, _, width, height) = drafted  # type: ignore[assignment]
        image.load()
        orientation = _orientation(image)
        pixels = _rgb(image)
    return _upright(pixels, (width, height), orientation)


def _small(width: int, height: int, scale: int) -> tuple[int, int]:
    return max(1, width // scale), max(1, height // scale)


@contextmanager
def _opened(data: bytes) -> Iterator["Image.Image"]:
    """The picture, opened; whatever goes wrong inside the block becomes an ImageError."""
    from PIL import Image

    if not data:
        raise ImageError("empty file")
    try:
        with _quiet():
            try:
                image = Image.open(io.BytesIO(data), formats=_formats())
            except Image.DecompressionBombError as error:
                raise ImageError(f"more pixels than the limit of {MAX_PIXELS:,}") from error
            with image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise ImageError(
                        f"more pixels than the limit of {MAX_PIXELS:,}: {width:,} x {height:,}"
                    )
                yield image
    except ImageError:
        raise
    except Exception as error:
        # Decoders throw nearly anything at garbage: OSError, SyntaxError, ValueError, EOFError,
        # struct.error, zlib.error, MemoryError, KeyError... All of them say the same: these bytes
        # are not a picture. The original stays in the chain.
        raise ImageError(reason(data, error)) from error


def _rgb(image: "Image.Image") -> NDArray[np.uint8]:
    if image.mode.startswith("I"):  # 16 bits, whatever Pillow keeps them in
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError("has more than 16 bits a pixel; save it with 8 or 16")
        return to_rgb((values >> 8).astype(np.uint8))
    if image.mode == "F":
        return to_rgb(np.asarray(image))
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = in_srgb(image.convert("RGB"), profile).convert("RGBA")
        image.putalpha(alpha)
        return to_rgb(np.asarray(image))
    if image.mode == "P":
        image = image.convert("RGB")
    image = in_srgb(image, profile)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _orientation(image: "Image.Image") -> int:
    """The EXIF orientation that loading has not applied already (for TIFF, it has)."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # a picture with broken metadata is still a picture, taken as upright
        return 1


def _upright(pixels: NDArray[np.uint8], shown: tuple[float, float], orientation: int) -> Picture:
    """EXIF 2.3, Table 4.6.4-A: where the stored first row and column lie in the scene.

    Args:
        shown: width and height of what the pixels show.
    """
    width, height = shown
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
        width, height = height, width
    left = top = 0.0
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
        top = pixels.shape[0] - height
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
        left = pixels.shape[1] - width
    return Picture(np.ascontiguousarray(pixels), (left, top, left + width, top + height))


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this build of Pillow has."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


_lock = threading.Lock()
_inside = 0
_saved: warnings.catch_warnings | None = None


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow's own warnings are silent inside: what counts becomes an error of ours.

    The filters belong to the whole process, so threads that decode side by side share one change
    of them: the first in makes it, the last out takes it back.
    """
    global _inside, _saved
    with _lock:
        _inside += 1
        if _inside == 1:
            _saved = warnings.catch_warnings()
            _saved.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _saved is not None:
                _saved.__exit__(None, None, None)
                _saved = None
