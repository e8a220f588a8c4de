"""Heat maps: a bump for each place, and the place of a bump to a fraction of a cell.

A place is counted in cells of the map: the center of the first is 0, 0.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

FURTHEST = 1.0  # cells that a maximum may lie from the highest cell
FLAT = 1e-6  # curvature below which there is no maximum to speak of
AROUND = 2  # cells each way that belong to a peak


def bumps(places: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Gaussians about places, each of sum 1 over its map (Tompson et al. 2014, Section 3.2).

    Args:
        places: (N, K, 2), x before y, in cells.
        size: height and width of the maps.
        sigma: deviation in cells.

    Returns:
        (N, K, height, width) float32.
    """
    lines = []
    for axis, length in ((1, size[0]), (0, size[1])):
        steps = torch.arange(length, device=places.device) - places[..., axis, None]
        lines.append((-0.5 * (steps / sigma) ** 2).float().softmax(-1))
    return lines[0][..., :, None] * lines[1][..., None, :]


def peaks(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Where each map of logits is highest, to a fraction of a cell, and how much of its mass lies
    there.

    The maximum of the parabola through the highest cell and its neighbors: one Newton step on the
    logarithm of the heat map, exact for a Gaussian (DARK: Zhang et al. 2020, Section 3.2.1).

    Args:
        maps: (N, K, H, W): logarithms of heat, up to a constant.

    Returns:
        Places (N, K, 2), x before y, in cells, and the share (N, K) of the map's softmax that lies
        within AROUND cells of the highest.
    """
    count, parts, height, width = maps.shape
    lines = maps.flatten(2)
    top = lines.argmax(2)
    x, y = top % width, torch.div(top, width, rounding_mode="floor")

    def at(across: int, down: int) -> Tensor:
        cells = (y + down).clamp(0, height - 1) * width + (x + across).clamp(0, width - 1)
        return lines.gather(2, cells[..., None])[..., 0]

    middle = at(0, 0)
    slope = [(at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2]
    bend = [at(1, 0) + at(-1, 0) - 2 * middle, at(0, 1) + at(0, -1) - 2 * middle]
    twist = (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1)) / 4
    determinant = bend[0] * bend[1] - twist**2
    good = (bend[0] < -FLAT) & (bend[1] < -FLAT) & (determinant > FLAT**2)
    # At the border the neighbor beyond is the cell itself: no step across it.
    inner = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)
    divisor = torch.where(good & inner, determinant, torch.ones_like(determinant))
    step = torch.stack(
        [
            (twist * slope[1] - bend[1] * slope[0]) / divisor,
            (twist * slope[0] - bend[0] * slope[1]) / divisor,
        ],
        2,
    )
    step = torch.where((good & inner)[..., None], step.clamp(-FURTHEST, FURTHEST), 0.0)
    heat = lines.softmax(2).view(count, parts, height, width)
    side = 2 * AROUND + 1
    mass = F.avg_pool2d(heat, side, 1, AROUND) * side**2
    share = mass.flatten(2).gather(2, top[..., None])[..., 0].clamp(max=1.0)
    return torch.stack([x, y], 2) + step, share
