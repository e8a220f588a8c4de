"""Class maps on pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from striate.data import VOID, Dataset, Masks
from striate.data.boxes import whole
from striate.errors import ImageError

OPACITY = 0.55
SHOWN = 320  # pixels of the longer side of a picture with its mask
WRONG, GRAY = (209, 36, 47), (128, 128, 128)
LEGEND = 12  # classes that are named beside a picture, at most
STRIP = 2**20  # pixels that are mixed at a time
NAMED = 0.002  # of the picture: classes that cover less are not named


def palette(count: int) -> NDArray[np.uint8]:
    """(count, 3) colors that differ: the first black, each next far from those before on the wheel
    of hues."""
    colors = np.zeros((count, 3), np.uint8)
    for number in range(1, count):
        hue = number * 0.61803398875 % 1.0  # the golden ratio keeps neighbors apart
        value = (0.95, 0.75, 0.55)[number // 3 % 3]
        colors[number] = _rgb(hue, 0.75, value)
    return colors


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    sector, rest = divmod(6 * hue, 1)
    low, fall, rise = (
        value * (1 - saturation),
        value * (1 - saturation * rest),
        value * (1 - saturation * (1 - rest)),
    )
    red, green, blue = (
        (value, rise, low), (fall, value, low), (low, value, rise),
        (low, fall, value), (rise, low, value), (value, low, fall),
    )[int(sector) % 6]  # fmt: skip
    return round(255 * red), round(255 * green), round(255 * blue)


def color_of(number: int) -> str:
    """The color of a class, as pages have it."""
    return "#{:02x}{:02x}{:02x}".format(*palette(number + 1)[number].tolist())


def indexed(labels: NDArray[np.uint8]) -> Image.Image:
    """Class numbers (H, W) as an indexed picture with a palette, void white."""
    image = Image.fromarray(labels, "P")
    colors = palette(256)
    colors[VOID] = 255
    image.putpalette(colors.ravel().tolist())
    return image


def overlaid(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    names: Sequence[str],
    *,
    side: int | None = None,
) -> Image.Image:
    """A picture (H, W, 3) with its classes (H, W) laid over it; class 0 and void stay clear.

    Args:
        names: of the classes, written into its upper half as far as they fit there; () where
            nothing is to be written.
        side: of the longer side in pixels, at most.
    """
    picture, labels = _small(pixels, labels, side)
    colors = palette(256)
    laid = np.array(picture)
    rows = max(1, STRIP // max(1, labels.shape[1]))
    for first in range(0, len(labels), rows):  # mixing takes eight bytes for each value
        part, numbers = laid[first : first + rows], labels[first : first + rows]
        clear = (numbers == 0) | (numbers == VOID)
        mixed = (1 - OPACITY) * part + OPACITY * colors[numbers]
        part[~clear] = mixed[~clear].astype(np.uint8)
    image = Image.fromarray(laid)
    counts = np.array(Image.fromarray(labels).histogram())
    shown = [
        number
        for number in np.argsort(-counts, kind="stable").tolist()[:LEGEND]
        if number < len(names) and counts[number] > NAMED * labels.size
    ]
    pen, top = ImageDraw.Draw(image), 2
    for number in shown:
        box = pen.textbbox((4, top), names[number])
        if box[2] + 3 > image.width or box[3] + 2 > image.height / 2:
            break
        pen.rectangle((2, top, box[2] + 3, box[3] + 2), fill=tuple(colors[number].tolist()))
        pen.text((4, top), names[number], fill="white")
        top = int(box[3]) + 4
    return image


def mistakes(
    pixels: NDArray[np.uint8],
    truth: NDArray[np.uint8],
    found: NDArray[np.uint8],
    void: int,
    *,
    side: int | None = None,
) -> Image.Image:
    """A picture in gray, red where the class found is wrong."""
    picture, truth = _small(pixels, truth, side)
    _, found = _small(pixels, found, side)
    gray = np.repeat(picture.mean(2, keepdims=True), 3, 2) / 2 + 110
    wrong = (truth != found) & (truth != void)
    gray[wrong] = 0.25 * gray[wrong] + 0.75 * np.array(WRONG)
    gray[truth == void] = GRAY
    return Image.fromarray(gray.clip(0, 255).astype(np.uint8))


def marked(
    dataset: Dataset[Masks], row: int, doubt: Any = None, *, side: int = SHOWN
) -> Image.Image | None:
    """An image of a dataset with its mask; None if a file cannot be read any more."""
    try:
        return overlaid(whole(dataset.inputs, row), dataset.targets.maps[row].read(), (), side=side)
    except ImageError:
        return None


def _small(
    pixels: NDArray[np.uint8], labels: NDArray[np.uint8], side: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Picture and labels, at most that large."""
    height, width = pixels.shape[:2]
    if side is None or max(height, width) <= side:
        return pixels, labels
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(labels).resize(size, Image.Resampling.NEAREST)
    return np.asarray(Image.fromarray(pixels).resize(size)), np.asarray(small)
