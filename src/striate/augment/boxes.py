"""Boxes through the same warp as the pixels."""

import torch
from torch import Tensor

from striate.ops.boxes import areas, clipped

ENOUGH = 0.3  # share of a box that must still be in the picture for it to be one


def warped(
    boxes: Tensor, matrix: Tensor, source: tuple[int, int], size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Where `augment.sampling.warp` puts boxes: the boxes about their corners.

    Args:
        boxes: (K, 4) x0 y0 x1 y1 in pixels of the input.
        matrix: (2, 3), from positions of the output to positions of the input, both in [-1, 1].
        source, size: (height, width) of input and output.

    Returns:
        boxes (J, 4) in pixels of the output, clipped to it, and the rows (J,) of those of which
        enough is left.
    """
    from_sides = boxes.new_tensor([source[1], source[0]])
    to_sides = boxes.new_tensor([size[1], size[0]])
    x0, y0, x1, y1 = boxes.unbind(1)
    corners = torch.stack(
        [torch.stack(pair, 1) for pair in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))], 1
    )  # (K, 4, 2)
    unit = 2 * corners / from_sides - 1 - matrix[:, 2].to(boxes)
    unit = unit @ torch.linalg.inv(matrix[:, :2].to(boxes)).T
    places = (unit + 1) / 2 * to_sides
    whole = torch.cat([places.amin(1), places.amax(1)], 1)
    inside = clipped(whole, size)
    left = areas(inside) >= ENOUGH * areas(whole).clamp(min=1e-6)
    rows = torch.nonzero(left & (areas(inside) > 0)).flatten()
    return inside[rows], rows
