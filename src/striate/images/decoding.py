"""Bytes to pixels: RGB uint8 (H, W, 3), upright, in sRGB, over white; JPEGs at a scale if asked.

Whatever is wrong with a file becomes one `ImageError` whose text is the short reason; it never
repeats the path, which the caller knows.
"""

import io
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError
from striate.files import open_regular
from striate.images.arrays import to_rgb
from striate.images.chunks import readable
from striate.images.levels import implied, see_light, to_8_bits
from striate.images.profiles import in_srgb, moves
from striate.images.reasons import reason

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 256 * 2**20  # of a file, checked before it is read
MAX_PIXELS = 89_478_485  # of a picture that is decoded: 256 MiB as RGB, Pillow's limit
MAX_SCALED = 2 * MAX_PIXELS  # of one that the header promises, and that is decoded at a scale
AT_LEAST = 512  # pixels of the shorter side that scaled JPEG decoding leaves
ROWS = 64  # that are converted at a time: a whole picture takes copies of itself, and longer
SCALES = (8, 4, 2, 1)  # of JPEG: what a side can be divided by while it is decoded
LYING = (5, 6, 7, 8)  # EXIF orientations that exchange width and height

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what counts is an ImageError

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


class Frame(NamedTuple):
    """The size of a picture in pixels.

    Attributes:
        height, width: upright, as `read(path, at_least=None)` gives it.
        stored: height and width before the orientation is applied.
        orientation: 1 to 8, as EXIF has it.
        scale: what the sides are divided by, because the picture is too large to be decoded whole.
    """

    height: int
    width: int
    stored: tuple[int, int]
    orientation: int
    scale: int = 1


class Picture(NamedTuple):
    """A decoded picture.

    Attributes:
        pixels: (H, W, 3) uint8.
        box: left, top, right, bottom of what it shows, in pixels: at a scale, its last column and
            row may be filled by half only.
        scale: what the sides of the whole picture were divided by.
    """

    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    scale: float = 1.0


class Shown(NamedTuple):
    """A `Picture` whose pixels are an image of Pillow's, in mode RGB."""

    image: "Image.Image"
    box: tuple[float, float, float, float]
    scale: float = 1.0


def read(
    path: str | os.PathLike[str], *, at_least: int | None = AT_LEAST, bits: int | None = None
) -> NDArray[np.uint8]:
    """The picture in a file, as `decode` gives it: (H, W, 3) uint8.

    Raises:
        ImageError: if it cannot be read; the text is the reason, without the path.
    """
    return decode(load(path), at_least=at_least, bits=bits)


def load(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a picture's file.

    Raises:
        ImageError: if there are none to be had; the text is the reason, without the path.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise ImageError(f"has {size:,} bytes, more than the limit of {MAX_BYTES:,}")
            return file.read(MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise ImageError(unread(error)) from error


def unread(error: Exception) -> str:
    """Why a file could not be opened."""
    why = str(getattr(error, "strerror", None) or error)
    return why if why.startswith("is ") else f"cannot be read: {why}"


def decode(
    data: bytes, *, at_least: int | None = AT_LEAST, bits: int | None = None
) -> NDArray[np.uint8]:
    """The picture in the bytes of a file: (H, W, 3) uint8, EXIF orientation applied.

    Gray is repeated, alpha lies over white, CMYK, YCbCr and LAB become RGB, of an animation the
    first frame counts. Of more than 8 bits the upper 8 are kept; floats in [0, 1] are scaled. Where
    a color profile of RGB, gray or CMYK is embedded, the colors are brought to sRGB. A JPEG of more
    than MAX_PIXELS is decoded at the largest scale that has fewer. The array may be read-only.

    Args:
        at_least: a JPEG is decoded at the smallest of its scales 1, 1/2, 1/4, 1/8 whose shorter
            side is still this many pixels; None for every pixel. Where pixels are to be those that
            a recognizer sees, `render` is the one to call.
        bits: the depth of gray pictures of more than 8 bits; where None, the one that the brightest
            pixel implies.

    Raises:
        ImageError: if they are no picture, a broken one, or too large; the text is the reason.
    """
    if at_least is None:
        return decode_at(data, 1, bits=bits).pixels
    head = header(data)
    side = min(head.width, head.height)
    scale = next((s for s in SCALES if side >= s * at_least), 1)
    return decode_at(data, scale, bits=bits).pixels


def header(data: bytes) -> Header:
    """How large the picture is, before its orientation, and whether it decodes at scales.

    Raises:
        ImageError: as `decode`, as far as the first bytes tell.
    """
    with opened(data) as image:
        return _header(image)


def _header(image: "Image.Image") -> Header:
    return Header(*image.size, image.format in ("JPEG", "MPO"))


def mode_of(data: bytes) -> str:
    """Pillow's mode of the picture: "RGB", "L", "I;16"...

    Raises:
        ImageError: as `decode`, as far as the first bytes tell.
    """
    with opened(data) as image:
        return image.mode


def depth(data: bytes) -> int | None:
    """The bit depth that the brightest pixel of a gray picture of more than 8 bits implies; None
    for all others.

    Raises:
        ImageError: as `decode`.
    """
    with opened(data) as image:
        return implied(_values(image)) if _is_deep(image) else None


def frame(data: bytes) -> Frame:
    """How large the picture is when it stands upright; its pixels are not read.

    Raises:
        ImageError: as `decode`, as far as the first bytes tell.
    """
    with opened(data) as image:
        jpeg = image.format in ("JPEG", "MPO")
        # Of a TIFF, Pillow gives the upright size.
        return upright(*image.size, _orientation(image), jpeg=jpeg, turned=image.format == "TIFF")


def upright(
    width: int, height: int, orientation: int, *, jpeg: bool, turned: bool = False
) -> Frame:
    """The frame of a picture of that size.

    Args:
        turned: whether the size is that of the upright picture already.
    """
    scale = _fewest(width, height) if jpeg else 1
    width, height = -(-width // scale), -(-height // scale)
    lying = orientation in LYING
    stored = (width, height) if lying and turned else (height, width)
    if lying and not turned:
        height, width = width, height
    return Frame(height, width, stored, orientation, scale)


def _fewest(width: int, height: int) -> int:
    """The smallest scale at which a picture has no more than MAX_PIXELS."""
    return next(s for s in reversed(SCALES) if width * height <= MAX_PIXELS * s * s)


def decode_at(data: bytes, scale: int, *, bits: int | None = None) -> Picture:
    """The picture with its sides divided by `scale`, one of SCALES, if it is a JPEG; by more where
    it would have more than MAX_PIXELS.

    Args:
        bits: as `decode`.

    Raises:
        ImageError: as `decode`.
    """
    with opened(data) as image:
        size, scaled = _loaded(image, scale)
        return _picture(data, image, size, bits)._replace(scale=scaled)


def image_at(data: bytes, scale: int, *, bits: int | None = None) -> Shown:
    """What `decode_at` gives, left in Pillow's memory where it is RGB, upright and in sRGB there:
    whoever makes it smaller copies the smaller one only."""
    return image_as(data, lambda _: (scale, bits))


def image_as(data: bytes, choose: Callable[[Header], tuple[int, int | None]]) -> Shown:
    """What `image_at` gives at the scale and bits that are chosen by the header; opened once."""
    from PIL import Image

    found = _shown_or_decoded(data, choose)
    if isinstance(found, Shown):
        return found
    return Shown(Image.fromarray(found.pixels), found.box, found.scale)


def _shown_or_decoded(
    data: bytes, choose: Callable[[Header], tuple[int, int | None]]
) -> Shown | Picture:
    """A function of its own, so that no two images of Pillow's are in memory at once."""
    with opened(data) as image:
        scale, bits = choose(_header(image))
        size, scaled = _loaded(image, scale)
        if _is_plain(data, image):
            return Shown(image, (0, 0, *size), scaled)
        return _picture(data, image, size, bits)._replace(scale=scaled)


def _picture(
    data: bytes, image: "Image.Image", size: tuple[float, float], bits: int | None
) -> Picture:
    pixels = to_rgb(to_8_bits(_values(image), bits)) if _is_deep(image) else _rgb(image)
    if image.mode == "RGB" and _of_16_bits(data, image):
        see_light(pixels)
    return _upright(pixels, size, _orientation(image))


def _loaded(image: "Image.Image", scale: int) -> tuple[tuple[float, float], float]:
    """Decodes it, its sides divided by `scale` or more: width and height of what it shows, and what
    they were divided by."""
    width, height = whole = image.size
    scale = max(scale, _fewest(width, height))
    if scale > 1 and (drafted := image.draft(None, _small(width, height, scale))):
        _, (_, _, width, height) = drafted  # type: ignore[assignment]
    image.load()
    return (width, height), whole[0] / width


def _is_plain(data: bytes, image: "Image.Image") -> bool:
    """Whether its pixels are those of its `Picture` as they are."""
    if image.mode != "RGB" or image.has_transparency_data or _of_16_bits(data, image):
        return False
    return _orientation(image) == 1 and not moves(image.info.get("icc_profile"), image.mode)


def _small(width: int, height: int, scale: int) -> tuple[int, int]:
    return max(1, width // scale), max(1, height // scale)


@contextmanager
def opened(data: bytes) -> Iterator["Image.Image"]:
    """The picture, opened; whatever goes wrong inside the block becomes an ImageError."""
    from PIL import Image

    if not data:
        raise ImageError("empty file")
    plain, profile = readable(data)
    try:
        with _quiet():
            try:
                image = Image.open(io.BytesIO(plain), formats=_formats())
            except Image.DecompressionBombError as error:
                raise ImageError(f"more pixels than the limit of {MAX_SCALED:,}") from error
            with image:
                _see_small(image)
                if profile:
                    image.info["icc_profile"] = profile
                yield image
    except ImageError:
        raise
    except Exception as error:
        # Decoders throw nearly anything at garbage: OSError, SyntaxError, ValueError, EOFError,
        # struct.error, zlib.error, MemoryError, KeyError... All of them say the same: these bytes
        # are not a picture. The original stays in the chain.
        raise ImageError(reason(data, error)) from error


def _is_deep(image: "Image.Image") -> bool:
    """Whether a pixel has more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def _values(image: "Image.Image") -> NDArray:
    values = np.asarray(image)
    if image.format == "TIFF" and image.mode == "I" and _unsigned(image):
        return values.view(np.uint32)
    return values


def _rgb(image: "Image.Image") -> NDArray[np.uint8]:
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, ROWS):
        pixels[top : top + ROWS] = _some_rows(image.crop((0, top, width, min(top + ROWS, height))))
    return pixels


def _some_rows(image: "Image.Image") -> NDArray[np.uint8]:
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
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _see_small(image: "Image.Image") -> None:
    """Raises ImageError if a picture has too many pixels, however it would be decoded."""
    width, height = image.size
    # Of a progressive JPEG, all coefficients are kept while it is decoded, at any scale.
    scalable = image.format in ("JPEG", "MPO") and not image.info.get("progressive")
    limit = MAX_SCALED if scalable else MAX_PIXELS
    if width * height > limit:
        raise ImageError(f"more pixels than the limit of {limit:,}: {width:,} x {height:,}")


def _unsigned(image: "Image.Image") -> bool:
    """Whether the whole numbers of a TIFF have no sign: tag 339, SampleFormat."""
    return tuple(image.tag_v2.get(339, (1,)))[:1] == (1,)  # type: ignore[attr-defined]


def _of_16_bits(data: bytes, image: "Image.Image") -> bool:
    """Whether each channel of a picture in color has 16 bits in its file."""
    if image.format == "PNG":
        return data[24] == 16
    if image.format == "TIFF":
        return 16 in tuple(image.tag_v2.get(258, ()))  # type: ignore[attr-defined]
    return False


def _orientation(image: "Image.Image") -> int:
    """The EXIF orientation that loading has not applied already (for TIFF, it has)."""
    try:
        found = int(image.getexif().get(0x0112, 1))
        return found if 1 <= found <= 8 else 1
    except Exception:  # a picture with broken metadata is still a picture, taken as upright
        return 1


def _upright(pixels: NDArray[np.uint8], shown: tuple[float, float], orientation: int) -> Picture:
    """EXIF 2.3, Table 4.6.4-A: where the stored first row and column lie in the scene.

    Args:
        shown: width and height of what the pixels show.
    """
    width, height = shown
    if orientation in LYING:
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
