"""Regions cut out with some context and warped to a square, whatever their shape (Girshick et al.
2014, arXiv:1311.2524, Appendix A)."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from striate.tasks.detection.rcnn.settings import RegionSettings

CONTEXT = 16 / 227  # of a crop's side, at each edge (Appendix A)
BATCH = 32  # crops that the network reads together


def warped_crops(
    pixels: NDArray[np.uint8],
    boxes: Sequence[Sequence[float]],
    settings: RegionSettings,
    background: Sequence[float],
) -> Iterator[NDArray[np.uint8]]:
    """(B, S, S, 3), B at most BATCH: each box and its context, warped to a square; the color
    `background` beyond the picture."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = min(1.0, settings.largest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grow = CONTEXT / (1 - 2 * CONTEXT)  # of a box's side, at each edge
    around = [int(grow * side) + 2 for side in size]
    color = tuple(round(value) for value in background)
    canvas = Image.new("RGB", (size[0] + 2 * around[0], size[1] + 2 * around[1]), color)
    picture = Image.fromarray(pixels)
    if size != (width, height):
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    canvas.paste(picture, (around[0], around[1]))
    for first in range(0, len(boxes), BATCH):
        batch = boxes[first : first + BATCH]
        crops = np.empty((len(batch), settings.side, settings.side, 3), np.uint8)
        for crop, (x0, y0, x1, y1) in zip(crops, batch, strict=True):
            left, right = (x * size[0] / width + around[0] for x in (x0, x1))
            top, bottom = (y * size[1] / height + around[1] for y in (y0, y1))
            across, down = grow * (right - left), grow * (bottom - top)
            edges = (left - across, top - down, right + across, bottom + down)
            one = canvas.resize(crop.shape[:2], Image.Resampling.BILINEAR, box=edges)
            crop[:] = np.asarray(one)
        yield crops
