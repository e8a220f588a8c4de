"""Bicubic resampling of 8-bit pixels, to the last bit as Pillow does it, columns first.

Whole pixel values are kept between columns and rows, so that the order counts; which one Pillow
begins with depends on its version and on the shape of the picture. Here it is always columns. Where
`native/resample.c` was compiled it does the work, and no part of the picture is copied.
"""

import ctypes
import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate import native
from striate.images.pillow_memory import address

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

BAND = 256  # rows that are copied at a time where Pillow's memory cannot be read
SLACK = 64  # bytes of the widest vector: it may be read and written a part beyond the end
KEPT = 2**18  # numbers of weights that are kept for the next picture of that shape
SIDE = 2**24  # the longest side whose places a float32 has whole, as Pillow keeps boxes


def resample(
    image: "Image.Image | NDArray[np.uint8]", size: tuple[int, int], box: Box | None = None
) -> NDArray[np.uint8]:
    """The part of a picture that lies in the box, at a size of (width, height), antialiased where
    it shrinks: (height, width, 3) uint8, or (height, width) of a gray one.

    Args:
        image: in mode RGB or L; or (H, W, 3) or (H, W) uint8.
        box: of the whole picture where None.
    """
    height, width = _shape(image)
    if box is None:
        box = (0, 0, width, height)
    if size == (width, height) and box == (0, 0, width, height):
        return np.array(image)
    functions = _functions()
    if functions is None or not _fits(image, size, box):
        return by_pillow(image, size, box)
    return _natively(functions, image, size, box)


def by_pillow(
    image: "Image.Image | NDArray[np.uint8]", size: tuple[int, int], box: Box
) -> NDArray[np.uint8]:
    """What `resample` gives, by Pillow."""
    from PIL import Image

    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    left, top, right, bottom = box
    width, bicubic = size[0], Image.Resampling.BICUBIC
    reach = 2 * math.ceil(max((bottom - top) / size[1], 1)) + 1  # rows that the filter looks beyond
    first, last = max(0, int(top) - reach), min(image.height, int(bottom) + 1 + reach)
    rows = image if last - first == image.height else image.crop((0, first, image.width, last))
    rows = rows.resize((width, rows.height), bicubic, box=(left, 0, right, rows.height))
    columns = Image.new(image.mode, (width, image.height))  # so that rows keep their numbers
    columns.paste(rows, (0, first))
    return np.array(columns.resize(size, bicubic, box=(0, top, width, bottom)))


class Weights(NamedTuple):
    """How the pixels of a line come from those of another.

    Attributes:
        first, number: (out,) int32, the pixels that each comes from.
        values: (out, taps) int32 in units of 2^-22, of which the last may be 0.
        places: where they lie in memory.
    """

    first: NDArray[np.int32]
    number: NDArray[np.int32]
    values: NDArray[np.int32]
    places: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Functions:
    """Those of `native/resample.c`, for the processor at hand."""

    weights: "ctypes._NamedFuncPointer"
    memory: "ctypes._NamedFuncPointer"
    across: "ctypes._NamedFuncPointer"
    down: "ctypes._NamedFuncPointer"


def _functions() -> Functions | None:
    # Elsewhere compilers fuse multiplications and additions, and Pillow's last bits are its own.
    library = native.library("resample") if platform.machine() == "x86_64" else None
    return None if library is None else _declared(library)


@cache
def _declared(library: ctypes.CDLL) -> Functions:
    level, pointer, whole = native.level(), ctypes.c_void_p, ctypes.c_int
    found = Functions(
        library["bicubic_weights"],
        library[f"bicubic_memory_{level}"],
        library[f"bicubic_across_{level}"],
        library[f"bicubic_down_{level}"],
    )
    places = [ctypes.c_float, ctypes.c_float]
    found.weights.argtypes = [whole, *places, whole, whole, *[pointer] * 4]
    found.memory.argtypes, found.memory.restype = [whole] * 3, ctypes.c_size_t
    found.across.argtypes = [pointer, ctypes.c_size_t, whole, whole, whole, pointer, whole, whole]
    found.across.argtypes += [pointer] * 3
    found.down.argtypes = [pointer, whole, whole, pointer, whole, whole, *[pointer] * 3]
    for function in (found.weights, found.across, found.down):
        function.restype = None
    return found


def _shape(image: "Image.Image | NDArray[np.uint8]") -> tuple[int, int]:
    if isinstance(image, np.ndarray):
        return image.shape[0], image.shape[1]
    return image.height, image.width


def _fits(image: "Image.Image | NDArray[np.uint8]", size: tuple[int, int], box: Box) -> bool:
    """Whether the compiled functions can be called; what cannot be, Pillow does or refuses."""
    height, width = _shape(image)
    if isinstance(image, np.ndarray):
        known = image.dtype == np.uint8 and image.shape[2:] in ((), (3,))
    else:
        known = image.mode in ("RGB", "L")
    left, top, right, bottom = box
    inside = 0 <= left < right <= width and 0 <= top < bottom <= height
    return known and inside and min(size) > 0 and max(*size, width, height) <= SIDE


def _natively(
    functions: Functions, image: "Image.Image | NDArray[np.uint8]", size: tuple[int, int], box: Box
) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    height, width = _shape(image)
    across = _weights(functions, width, left, right, size[0])
    down = _weights(functions, height, top, bottom, size[1])
    first, last = int(down.first[0]), int(down.first[-1] + down.number[-1])
    gray = image.ndim == 2 if isinstance(image, np.ndarray) else image.mode == "L"
    channels = 1 if gray else 3
    line = size[0] * channels
    columns = np.empty((last - first) * line + SLACK, np.uint8)
    taps = across.values.shape[1]
    memory = np.empty(functions.memory(width, size[0], taps), np.uint8)
    starts, _, values = across.places
    to, scratch = _place(columns), _place(memory)
    for pixels, stride, step, rows in _bands(image, first, last):
        functions.across(
            pixels, stride, rows, width, step, to, size[0], taps, starts, values, scratch
        )
        to += rows * line
    found = np.empty((size[1], size[0]) if gray else (size[1], size[0], 3), np.uint8)
    functions.down(
        _place(columns), first, line, _place(found), size[1], down.values.shape[1], *down.places
    )
    return found


def _weights(functions: Functions, size: int, low: float, high: float, out: int) -> Weights:
    scale = float(np.float32(high) - np.float32(low)) / out
    taps = 2 * math.ceil(2 * max(scale, 1)) + 1
    give = _kept_weights if out * taps <= KEPT else _computed_weights
    return give(functions, size, low, high, out, taps)


def _computed_weights(
    functions: Functions, size: int, low: float, high: float, out: int, taps: int
) -> Weights:
    first, number = np.empty(out, np.int32), np.empty(out, np.int32)
    values, memory = np.empty((out, taps), np.int32), np.empty(taps)
    places = _place(first), _place(number), _place(values)
    functions.weights(size, low, high, out, taps, *places, _place(memory))
    return Weights(first, number, values, places)


_kept_weights = lru_cache(maxsize=32)(_computed_weights)  # photographs of a camera have one shape


def _place(array: NDArray) -> int:
    return array.ctypes.data


def _bands(
    image: "Image.Image | NDArray[np.uint8]", first: int, last: int
) -> Iterator[tuple[int, int, int, int]]:
    """The rows from `first` to `last`: where some lie, bytes from one to the next, bytes of a
    pixel, and how many they are; valid until the next are asked for."""
    if isinstance(image, np.ndarray):
        step = 3 if image.ndim == 3 else 1
        rows = np.ascontiguousarray(image[first:last])
        # Not its strides: where a side is 1 they may be anything.
        yield rows.ctypes.data, step * image.shape[1], step, len(rows)
        return
    step = 4 if image.mode == "RGB" else 1
    with address(image) as place:
        if place is not None:
            stride = step * image.width
            yield place + first * stride, stride, step, last - first
            return
    for top in range(first, last, BAND):
        bottom = min(top + BAND, last)
        rows = np.asarray(image.crop((0, top, image.width, bottom)))
        step = 3 if image.mode == "RGB" else 1
        yield rows.ctypes.data, step * image.width, step, len(rows)
