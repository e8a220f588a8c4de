"""A deformable part model as the paper draws it (Felzenszwalb et al. 2010, Figures 1 and 3): the
root's edges, the parts in their places, and the cost of their deformation."""

from collections.abc import Sequence
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.handcrafted.deformable import Component, Scored, needed_levels
from striate.handcrafted.part_features import SIGNED, UNSIGNED
from striate.handcrafted.pyramid import OCTAVE, cell_of, pyramid
from striate.tasks.detection.dpm.predictor import DPMPredictor
from striate.visualize.drawing import Tile, sheet

Pixels = NDArray[np.uint8]
SIDE = 320  # pixels of a tile
CELL = 32  # pixels of a root's cell, before the tile is brought to its size
ROOT, PART = (255, 176, 0), (0, 120, 212)  # colors of frames


def dpm_sheet(
    predictor: DPMPredictor, names: Sequence[str], pixels: Pixels | None = None
) -> Pixels:
    """Every component in a row, (H, W, 3) uint8.

    Args:
        names: of the classes.
        pixels: a picture (H, W, 3): the best place of each component in it is shown beside.
    """
    rows = []
    for one in predictor.components:
        row = [Tile(gray(glyphs(one.root, CELL)), "root")]
        if len(one.parts):
            row += [Tile(placed(one), "parts"), Tile(costs(one), "cost of deformation")]
        if pixels is not None:
            row.append(best(one, pixels))
        rows.append(row)
    return sheet(
        "Deformable part models",
        rows or [[Tile(np.full((SIDE, SIDE, 3), 255, np.uint8), "no component")]],
        names=[names[one.kind] for one in predictor.components],
        side=SIDE,
        caption="Strokes lie along the edges that raise the score, bright where their weights are "
        "large. Parts have twice the resolution of the root; a part costs more where it is bright. "
        "In a picture, the root is framed in yellow, its parts in blue.",
    )


def strokes(side: int) -> Tensor:
    """(9, side, side) in [0, 1]: for each unsigned orientation, a bar along the edge that has it,
    which is across the gradient."""
    middle = torch.arange(side) + 0.5 - side / 2
    angles = torch.arange(UNSIGNED)[:, None, None] * pi / UNSIGNED
    along = middle * -torch.sin(angles) + middle[:, None] * torch.cos(angles)
    aside = middle * torch.cos(angles) + middle[:, None] * torch.sin(angles)
    thin = (side / 16 + 0.5 - aside.abs()).clamp(0, 1)
    return thin * (0.46 * side + 0.5 - along.abs()).clamp(0, 1)


def glyphs(filters: Tensor, side: int) -> Tensor:
    """(h · side, w · side): the positive weights of a filter (32, h, w) as strokes, `side` pixels
    a cell."""
    positive = filters.clamp(min=0)
    both = positive[: SIGNED // 2] + positive[SIGNED // 2 : SIGNED]
    weights = both + positive[SIGNED : SIGNED + UNSIGNED]  # (9, h, w)
    height, width = weights.shape[1:]
    drawn = (weights[:, :, None, :, None] * strokes(side)[:, None, :, None, :]).amax(0)
    return drawn.reshape(height * side, width * side)


def gray(values: Tensor) -> Pixels:
    """(H, W) from 0 on to (H, W, 3) uint8, the largest white; dim values are lifted a little."""
    scaled = (values / values.max().clamp(min=1e-9)) ** 0.7
    return (scaled * 255).round().byte()[:, :, None].expand(-1, -1, 3).numpy().copy()


def placed(one: Component) -> Pixels:
    """The parts in their places, each framed."""
    side = CELL // 2  # of a part's cell
    height, width = one.shape
    canvas = torch.zeros(height * CELL, width * CELL)
    size = one.parts.shape[2] * side
    for part, (x, y) in zip(one.parts, (one.anchors * side).tolist(), strict=True):
        here = canvas[y : y + size, x : x + size]
        torch.maximum(here, glyphs(part, side), out=here)
    pixels = gray(canvas)
    for x, y in (one.anchors * side).tolist():
        frame(pixels, (x, y, x + size, y + size), PART, 1)
    return pixels


def costs(one: Component) -> Pixels:
    """At each pixel, the cost of a part whose middle lies there; where several parts reach, the
    cheapest."""
    side = CELL // 2
    height, width = one.shape
    canvas = torch.full((height * CELL, width * CELL), torch.inf)
    size = one.parts.shape[2] * side
    step = (torch.arange(size) + 0.5 - size / 2) / side  # in cells, from the middle
    dx, dy = step[None, :], step[:, None]
    for cost, (x, y) in zip(one.costs, (one.anchors * side).tolist(), strict=True):
        here = canvas[y : y + size, x : x + size]
        way = cost[0] * dx + cost[1] * dy + cost[2] * dx**2 + cost[3] * dy**2
        torch.minimum(here, way - way.min(), out=here)
    known = canvas.isfinite()
    return gray(torch.where(known, canvas, canvas[known].max()))


def best(one: Component, pixels: Pixels) -> Tile:
    """The picture around the best place of the component or its mirror image, root and parts
    framed."""
    both = Scored.both(one, pyramid(pixels, needed_levels([one])))
    found = [(maps, place) for maps in both if len(place := maps.best(-torch.inf, 1))]
    if not found:
        return Tile(pixels.copy(), "the picture is smaller than the root")
    score_maps, place = max(found, key=lambda pair: float(pair[1].scores))
    one = score_maps.component
    level = int(place.levels)
    shown = pixels.copy()
    thick = max(1, round(cell_of(level) / 6))
    frame(shown, tuple(place.boxes[0].tolist()), ROOT, thick)
    cell = cell_of(level - OCTAVE)
    moves = score_maps.displaced(level, place.rows, place.columns)[0]
    corner = place.boxes[0, :2]
    for x, y in (corner + (one.anchors + moves) * cell).tolist():
        size = one.parts.shape[2] * cell
        frame(shown, (x, y, x + size, y + size), PART, max(1, thick // 2))
    x0, y0, x1, y1 = place.boxes[0].tolist()
    room = 0.5 * max(x1 - x0, y1 - y0)
    height, width = pixels.shape[:2]
    top, left = max(0, int(y0 - room)), max(0, int(x0 - room))
    around = shown[top : min(height, int(y1 + room)), left : min(width, int(x1 + room))]
    return Tile(around, f"the best place, score {float(place.scores):.2f}")


def frame(pixels: Pixels, box: tuple[float, ...], color: tuple[int, int, int], thick: int) -> None:
    """Draws the edge of a box into the pixels, as far as it lies inside."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (round(value) for value in box)
    rows, columns = slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))
    for edge in range(thick):
        for row in (y0 + edge, y1 - 1 - edge):
            if 0 <= row < height:
                pixels[row, columns] = color
        for column in (x0 + edge, x1 - 1 - edge):
            if 0 <= column < width:
                pixels[rows, column] = color
