"""Bytes to pixels, by one rule for everyone: RGB uint8 (H, W, 3), upright, over white.

Training, evaluation and prediction all come through `decode`, so they see the same pixels of the
same file. Whatever is wrong with a file becomes one `ImageError` whose text is the short reason;
it never repeats the path, which the caller knows.
"""

import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 256 * 2**20  # of a file, checked before it is read
MAX_PIXELS = 89_478_485  # of the picture that the header promises: 256 MiB as RGB, Pillow's limit
AT_LEAST = 512  # pixels of the shorter side that scaled JPEG decoding leaves

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
SIGNATURES = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cjP", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
STRANGERS = (  # what people have and striate does not read
    (b"%PDF", "a PDF, not an image"),
    (b"%!PS", "PostScript, not an image; save it as PNG"),
    (b"8BPS", "a Photoshop file; save it as PNG"),
    (b"PK\x03\x04", "a zip archive, not an image"),
    (b"\x1f\x8b", "a gzip archive, not an image"),
)
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
TEXT = bytes({7, 8, 9, 10, 12, 13, 27, *range(32, 256)})  # bytes that text files are made of
GRAY = 128  # what `pad` puts around a picture


@dataclass(frozen=True)
class View:
    """How a picture of any size becomes (size, size, channels) uint8.

    Attributes:
        size: pixels of a side of the result.
        channels: 3 for RGB, 1 for luminance (ITU-R 601).
        fit: `crop` cuts the central square out of the picture, its side `fraction` of the shorter
            side; `squash` brings both sides to `size`; `pad` brings the longer side to `size` and
            centers the picture on gray.
        fraction: in (0, 1]; `crop` only. 0.875 is the usual 224 out of 256.
    """

    size: int
    channels: int = 3
    fit: Literal["crop", "squash", "pad"] = "crop"
    fraction: float = 0.875

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be 1 or more, not {self.size}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, not {self.channels}")
        if self.fit not in ("crop", "squash", "pad"):
            raise ValueError(f"fit must be 'crop', 'squash' or 'pad', not {self.fit!r}")
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction must be in (0, 1], not {self.fraction}")

    def keeps(self, height: int, width: int) -> bool:
        """Whether a picture of that size goes through with every pixel in its place."""
        whole = self.fit != "crop" or round(self.size / self.fraction) == self.size
        return whole and height == width == self.size


def read(path: str | os.PathLike[str], *, at_least: int | None = AT_LEAST) -> NDArray[np.uint8]:
    """The picture in a file, as `decode` gives it: (H, W, 3) uint8.

    Raises:
        ImageError: if it cannot be read; the text is the reason, without the path.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (before opening: a pipe would wait for its writer)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("is no regular file")
        if status.st_size > MAX_BYTES:
            raise ImageError(f"has {status.st_size:,} bytes, more than the limit of {MAX_BYTES:,}")
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot be read: {reason}") from error
    return decode(data, at_least=at_least)


def decode(data: bytes, *, at_least: int | None = AT_LEAST) -> NDArray[np.uint8]:
    """The picture in the bytes of a file: (H, W, 3) uint8, EXIF orientation applied.

    Gray is repeated, alpha lies over white, CMYK, YCbCr and LAB become RGB, of 16 bits the upper 8
    count, of an animation the first frame; floats in [0, 1] are scaled. Color profiles are ignored.

    Args:
        at_least: a JPEG is decoded at the smallest of its scales 1, 1/2, 1/4, 1/8 whose shorter
            side is still this many pixels; None for every pixel. Leave it alone where pixels are
            to be compared with a recognizer's.

    Raises:
        ImageError: if they are no picture, a broken one, or too large; the text is the reason.
    """
    if not data:
        raise ImageError("empty file")
    try:
        with _quiet():
            return _decode(data, at_least)
    except ImageError:
        raise
    except Exception as error:
        # Decoders throw nearly anything at garbage: OSError, SyntaxError, ValueError, EOFError,
        # struct.error, zlib.error, MemoryError, KeyError... All of them say the same: these bytes
        # are not a picture. The original stays in the chain.
        raise ImageError(_reason(data, error)) from error


def apply(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """A picture (H, W, 3) uint8 as the view has it: (size, size, channels) uint8.

    Resizing is bicubic, antialiased where it shrinks.
    """
    from PIL import Image

    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    if view.channels == 1:
        picture = picture.convert("L")
    size, bicubic = (view.size, view.size), Image.Resampling.BICUBIC
    if view.keeps(height, width):
        pass
    elif view.fit == "squash":
        picture = picture.resize(size, bicubic)
    elif view.fit == "crop":
        # Shorter side to round(size / fraction), then the central square: in one resampling.
        side = min(height, width) * view.size / round(view.size / view.fraction)
        left, top = (width - side) / 2, (height - side) / 2
        picture = picture.resize(size, bicubic, box=(left, top, left + side, top + side))
    else:
        scale = view.size / max(height, width)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        canvas = Image.new(picture.mode, size, (GRAY,) * view.channels)
        corner = (view.size - inner[0]) // 2, (view.size - inner[1]) // 2
        canvas.paste(picture.resize(inner, bicubic), corner)
        picture = canvas
    return np.array(picture).reshape(view.size, view.size, view.channels)


def to_rgb(array: NDArray) -> NDArray[np.uint8]:
    """The user's own pixels as (H, W, 3) uint8.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4, the last alpha: laid over white); uint8,
            bool, or floats in [0, 1].

    Raises:
        ImageError: if shape, type or range are others.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(
            f"an image is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}"
        )
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif np.issubdtype(array.dtype, np.floating):
        array = _from_floats(array)
    elif array.dtype != np.uint8:
        raise ImageError(f"pixels are uint8, bool or floats in [0, 1], not {array.dtype}")
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint16)
        array = ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _from_floats(array: NDArray) -> NDArray[np.uint8]:
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # written so that NaN fails, too
        raise ImageError(f"float pixels must be in [0, 1], not in [{low:.4g}, {high:.4g}]")
    return np.rint(array * 255).astype(np.uint8)


def _decode(data: bytes, at_least: int | None) -> NDArray[np.uint8]:
    from PIL import Image

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
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        image.load()
        return _upright(_rgb(image), _orientation(image))


def _rgb(image: "Image.Image") -> NDArray[np.uint8]:
    if image.mode.startswith("I"):  # 16 bits, whatever Pillow keeps them in
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError("has more than 16 bits a pixel; save it with 8 or 16")
        return to_rgb((values >> 8).astype(np.uint8))
    if image.mode == "F":
        return to_rgb(np.asarray(image))
    if image.has_transparency_data:
        return to_rgb(np.asarray(image.convert("RGBA")))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _orientation(image: "Image.Image") -> int:
    """The EXIF orientation that loading has not applied already (for TIFF, it has)."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # a picture with broken metadata is still a picture, taken as upright
        return 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """EXIF 2.3, Table 4.6.4-A: where the stored first row and column lie in the scene."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _reason(data: bytes, error: Exception) -> str:
    """Why these bytes are no picture, in a few words."""
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    start = data[:512]
    if start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS:
        return "HEIC cannot be read here; save it as JPEG"
    for signature, reason in STRANGERS:
        if start.startswith(signature):
            return reason
    if b"<svg" in start.lower():
        return "SVG has no pixels; save it as PNG"
    if not start.translate(None, TEXT):
        return "not an image (a text file?)"
    known = next((name for signature, name in SIGNATURES if start.startswith(signature)), None)
    if start[4:12] in (b"ftypavif", b"ftypavis"):
        known = "AVIF"
    if known is None:
        return "not an image that can be read"
    message = str(error).lower()
    cut = known == "WebP" and len(data) < 8 + int.from_bytes(data[4:8], "little")
    if cut or "truncated" in message or "unexpected end" in message:
        return f"truncated: the {known} ends after {len(data):,} bytes"
    return f"broken {known}"


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
