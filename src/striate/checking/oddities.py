"""Pictures that are unlike the rest of their set: tiny, dark, blank, drawn out, in another mode."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate import progress
from striate.checking.appearance import VIEW
from striate.data import Array, Dataset, Decoded
from striate.data.threads import each
from striate.files import open_regular

TINY = 32  # pixels of the shorter side, where the set's median is at least twice that
LONG = 3.0  # times as long as wide, where the set's median is under half of that
DARK = 56  # of 255: what even the brightest fiftieth of a dark picture does not reach
RARE = 0.1  # a color mode of fewer than this share of the files is worth a word
UNREAD = "?"
KINDS = {
    "small": "very small",
    "dark": "very dark",
    "blank": "of one flat color",
    "shape": "of an odd shape",
    "mode": "in another color mode than most",
}
MODES = {
    "1": "black and white", "L": "gray", "LA": "gray with transparency", "P": "palette",
    "PA": "palette with transparency", "RGB": "RGB", "RGBA": "RGB with transparency",
    "CMYK": "CMYK", "YCbCr": "YCbCr", "LAB": "LAB", "HSV": "HSV", "F": "floating point",
}  # fmt: skip


@dataclass(frozen=True)
class Odd:
    """One picture that is unlike the rest, and in what."""

    row: int
    kind: str
    reason: str


@dataclass(frozen=True, eq=False)
class Sizes:
    """Width and height (N,) of every picture as its file says, and its color mode."""

    width: NDArray[np.int64]
    height: NDArray[np.int64]
    modes: Sequence[str]


def sizes(dataset: Dataset) -> Sizes:
    """What the headers of all files say; of pictures in memory, what they are."""
    count = len(dataset)
    if isinstance(dataset.inputs, Array):
        shape = dataset.inputs.array.shape
        mode = "RGB" if len(shape) == 4 else "L"
        return Sizes(np.full(count, shape[2]), np.full(count, shape[1]), [mode] * count)
    width, height = np.zeros(count, np.int64), np.zeros(count, np.int64)
    modes = [UNREAD] * count

    def work(row: int) -> None:
        path = dataset.inputs.path(row)
        if path is None:
            height[row], width[row] = dataset.inputs[row].shape[:2]
            return
        try:
            width[row], height[row], modes[row] = _header(path)
        except (OSError, SyntaxError, ValueError):  # changed since it was decoded
            return

    with progress.stage("look at sizes", count) as bar:
        for done in each(range(count), work):
            bar.advance(done)
    return Sizes(width, height, modes)


def _header(path: Path) -> tuple[int, int, str]:
    """Width, height and mode; no pixels are read."""
    from PIL import Image

    with open_regular(path) as file, Image.open(file) as image:
        return (*image.size, image.mode)


def odd(data: Decoded, measured: Sizes, flat: NDArray[np.bool_]) -> tuple[Odd, ...]:
    """What is unlike the rest, in the order of the rows.

    Args:
        flat: (N,) pictures of one gray.
    """
    found = [Odd(row, "blank", "one flat color") for row in np.flatnonzero(flat).tolist()]
    found += [
        Odd(row, "dark", "very dark: its brightest parts are under a quarter of white")
        for row in _dark(data.pixels[VIEW])
        if not flat[row]
    ]
    found += _shapes(measured) + _modes(measured.modes)
    return tuple(sorted(found, key=lambda one: (one.row, one.kind)))


def _dark(pixels: NDArray[np.uint8]) -> list[int]:
    """Rows whose brightest fiftieth is dark; none where most of the set is."""
    place = int(0.98 * pixels[0].size) if len(pixels) else 0
    bright = np.empty(len(pixels))
    for first in range(0, len(pixels), 4096):
        some = pixels[first : first + 4096].reshape(-1, pixels[0].size)
        bright[first : first + 4096] = np.partition(some, place, axis=1)[:, place]
    if not len(bright) or np.median(bright) < 2 * DARK:
        return []
    return [int(row) for row in np.flatnonzero(bright < DARK)]


def _shapes(measured: Sizes) -> list[Odd]:
    shorter = np.minimum(measured.width, measured.height)
    longer = np.maximum(measured.width, measured.height)
    known = shorter > 0
    if not known.any():
        return []
    ratio = longer / np.maximum(shorter, 1)
    found = []
    if np.median(shorter[known]) >= 2 * TINY:
        tiny = np.flatnonzero(known & (shorter < TINY)).tolist()
        found += [Odd(row, "small", f"{_size(measured, row)} pixels") for row in tiny]
    if np.median(ratio[known]) < LONG / 2:
        long = np.flatnonzero(known & (ratio > LONG)).tolist()
        found += [
            Odd(row, "shape", f"{ratio[row]:.1f} times as long as wide: {_size(measured, row)}")
            for row in long
        ]
    return found


def _size(measured: Sizes, row: int) -> str:
    return f"{measured.width[row]} x {measured.height[row]}"


def _modes(modes: Sequence[str]) -> list[Odd]:
    counts = Counter(mode for mode in modes if mode != UNREAD)
    rare = {mode for mode, count in counts.items() if count < RARE * counts.total()}
    if not rare:
        return []
    usual = counts.most_common(1)[0][0]
    return [
        Odd(row, "mode", f"{_mode(mode)}, where most are {_mode(usual)}")
        for row, mode in enumerate(modes)
        if mode in rare
    ]


def _mode(mode: str) -> str:
    """What people call a color mode.

    >>> _mode("L"), _mode("I;16")
    ('gray', '16 bits of gray')
    """
    return "16 bits of gray" if mode.startswith("I") else MODES.get(mode, mode)
