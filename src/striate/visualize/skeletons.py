"""Points on pictures, joined by the lines of a skeleton."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from striate.data import Dataset, PointDoubt, Points
from striate.data.boxes import whole
from striate.errors import ImageError
from striate.visualize.masks import color_of as color_of_class

SHOWN = 320  # pixels of the longer side of a picture with its points
LEAST = 480  # of the longer side of one that is drawn: smaller ones are enlarged, lines are not
TRUTH, DOUBT = "#ffffff", "#d1242f"
NAMED = 12  # parts up to which each is named beside the picture
FAINT = 0.5  # probability below which a point is drawn as a ring


@dataclass(frozen=True, eq=False)
class Skeleton:
    """What is drawn.

    Attributes:
        places: (K, 2) x and y in pixels from the upper left corner; nan where there is none.
        lines: pairs of points that are joined.
        scores: (K,) probabilities; None: all are sure.
    """

    places: NDArray[np.float64]
    lines: Sequence[tuple[int, int]] = ()
    scores: NDArray[np.float64] | None = None


def color_of(number: int, count: int) -> str:
    """The color of a part; of many, hues follow their order, so that neighbors are alike."""
    if count <= NAMED:
        return color_of_class(number + 1)
    red, green, blue = colorsys.hsv_to_rgb(0.83 * number / count, 0.8, 1.0)
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * each) for each in (red, green, blue)))


def drawn(
    pixels: NDArray[np.uint8],
    skeletons: Sequence[Skeleton],
    *,
    names: Sequence[str] = (),
    truth: NDArray[np.float64] | None = None,
    side: int | None = None,
) -> Image.Image:
    """A picture (H, W, 3) with points.

    Args:
        names: of the parts, written into the picture; () where nothing is to be written.
        truth: (K, 2) where the points of the first should be: a line leads there.
        side: of the longer side in pixels; where None, the picture's own, but LEAST at least.
    """
    image = Image.fromarray(pixels).convert("RGB")
    wanted = max(LEAST, *image.size) if side is None else side
    scale = wanted / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    image = image.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    if truth is not None and skeletons:
        for here, there in zip(skeletons[0].places * scale, truth * scale, strict=True):
            if np.isfinite(here).all() and np.isfinite(there).all():
                ends = [tuple(here.tolist()), tuple(there.tolist())]
                pen.line(ends, fill="#000000", width=4)
                pen.line(ends, fill=TRUTH, width=2)
    for skeleton in skeletons:
        places, count = skeleton.places * scale, len(skeleton.places)
        radius = max(2.0, wanted / (80 if count <= 2 * NAMED else 200))
        known = np.flatnonzero(np.isfinite(places).all(1)).tolist()
        for first, second in skeleton.lines:
            if first in known and second in known:
                ends = [tuple(places[first].tolist()), tuple(places[second].tolist())]
                pen.line(ends, fill=color_of(second, count), width=max(1, round(radius / 2)))
        for part in known:
            x, y = places[part].tolist()
            box = (x - radius, y - radius, x + radius, y + radius)
            sure = skeleton.scores is None or skeleton.scores[part] >= FAINT
            color = color_of(part, count)
            pen.ellipse(box, fill=color if sure else None, outline="#000000" if sure else color)
    if 0 < len(names) <= NAMED:
        top = 2
        for part, name in enumerate(names):
            box = pen.textbbox((4, top), name)
            pen.rectangle((2, top, box[2] + 3, box[3] + 2), fill=color_of(part, len(names)))
            pen.text((4, top), name, fill="white")
            top = int(box[3]) + 4
    return image


def marked(
    dataset: Dataset[Points], row: int, doubt: PointDoubt | None = None, *, side: int = SHOWN
) -> Image.Image | None:
    """An image of a dataset with its points, or with a doubtful one alone; None if its file cannot
    be read any more."""
    try:
        pixels: Any = whole(dataset.inputs, row)
    except ImageError:
        return None
    targets = dataset.targets
    if doubt is None:
        places = targets.places[row].astype(np.float64)
        return drawn(pixels, [Skeleton(places, targets.lines)], side=side)
    image = drawn(pixels, [], side=side)
    scale = side / max(pixels.shape[:2])
    x, y = (min(max(v * scale, 0), s) for v, s in zip(doubt.place, image.size, strict=True))
    ImageDraw.Draw(image).ellipse((x - 7, y - 7, x + 7, y + 7), outline=DOUBT, width=3)
    return image
