"""Boxes on pictures."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from striate.data import Boxes, Dataset, Doubt
from striate.data.boxes import whole
from striate.errors import ImageError

COLORS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")
DOUBT = "#d1242f"
SHOWN = 320  # pixels of the longer side of a picture with its boxes
SEEN = 30  # pixels that a frame around a doubtful box has at least


@dataclass(frozen=True)
class Frame:
    """A box to draw: x0 y0 x1 y1 in pixels, what to write in its corner, in which color."""

    box: tuple[float, float, float, float]
    words: str
    color: str
    dashed: bool = False


def color_of(number: int) -> str:
    """The color of a class."""
    return COLORS[number % len(COLORS)]


def drawn(
    pixels: NDArray[np.uint8], frames: Iterable[Frame], *, side: int | None = None
) -> Image.Image:
    """A picture (H, W, 3) with boxes, the last on top.

    Args:
        side: of the longer side in pixels; larger pictures are made that small first, so that
            lines and words stay as large as they are.
    """
    image = Image.fromarray(pixels).convert("RGB")
    scale = 1.0
    if side is not None and max(image.size) > side:
        scale = side / max(image.size)
        width, height = (max(1, round(scale * length)) for length in image.size)
        image = image.resize((width, height))
    pen = ImageDraw.Draw(image)
    wide = max(2, round(max(image.size) / 300))
    for frame in frames:
        x0, y0, x1, y1 = (scale * edge for edge in frame.box)
        if frame.dashed:
            for ends in ((x0, y0, x1, y0), (x1, y0, x1, y1), (x0, y1, x1, y1), (x0, y0, x0, y1)):
                _dashes(pen, ends, frame.color, wide)
        else:
            pen.rectangle((x0, y0, x1, y1), outline=frame.color, width=wide)
        if frame.words:
            corner = (x0 + wide, y0 + wide)
            pen.rectangle(pen.textbbox(corner, frame.words), fill=frame.color)
            pen.text(corner, frame.words, fill="white")
    return image


def marked(
    dataset: Dataset[Boxes], row: int, doubt: Doubt | None = None, *, side: int = SHOWN
) -> Image.Image | None:
    """An image of a dataset with its boxes, or with a doubtful one alone; None if its file cannot
    be read any more.

    Args:
        side: of the longer side in pixels, at most.
    """
    try:
        pixels = whole(dataset.inputs, row)
    except ImageError:
        return None
    if doubt is not None:
        x0, x1 = sorted(doubt.box[::2])
        y0, y1 = sorted(doubt.box[1::2])
        more = max(0.0, (SEEN - min(x1 - x0, y1 - y0)) / 2)  # else a speck
        box = (x0 - more, y0 - more, x1 + more, y1 + more)
        return drawn(pixels, [Frame(box, "", DOUBT, dashed=True)], side=side)
    objects = dataset.targets.objects[row]
    frames = [
        Frame((x0, y0, x1, y1), "", color_of(number))
        for (x0, y0, x1, y1), number in zip(
            objects.boxes.tolist(), objects.classes.tolist(), strict=True
        )
    ]
    return drawn(pixels, frames, side=side)


def _dashes(
    pen: ImageDraw.ImageDraw, ends: tuple[float, float, float, float], color: str, wide: int
) -> None:
    """A line of dashes four times as long as wide."""
    x0, y0, x1, y1 = ends
    count = max(1, round(max(abs(x1 - x0), abs(y1 - y0)) / (8 * wide)))
    for k in range(count):
        first, last = k / count, (k + 0.5) / count
        places = [(x0 + s * (x1 - x0), y0 + s * (y1 - y0)) for s in (first, last)]
        pen.line(places, fill=color, width=wide)
