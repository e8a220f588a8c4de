"""Elastic distortion (Simard, Steinkraus and Platt 2003, Section 2): a smooth random displacement.

Simard convolves a uniform random number at every pixel with a Gaussian of deviation sigma = 4 and
multiplies by alpha = 34, at 29 x 29 pixels. The root mean square of that field is
alpha / sqrt(3) / (2 sqrt(pi) sigma) = 1.385 pixels, 0.0477 of the side: `Spread(elastic=0.0477)`
with the usual softness. Here random numbers stand at half a deviation from each other, which a
Gaussian cannot tell from one at each pixel, and beyond the border, so that no place moves less.
"""

import math

import torch
from torch import Generator, Tensor

from striate.augment.geometry import Spread

REACH = 3.0  # deviations; a Gaussian beyond weighs 1 % and less
NODES = 2.0  # random numbers for one deviation


def displacements(
    spread: Spread, count: int, size: tuple[int, int], generator: Generator | None = None
) -> Tensor | None:
    """Random fields (count, H, W, 2) to be added to where each output position is read, x before
    y, in units of half a side; None where there are none to draw."""
    if not spread.elastic:
        return None
    device = generator.device if generator is not None else None
    rows, columns = (bumps(side, spread.softness).to(device) for side in size)
    shape = (2, count, rows.shape[1], columns.shape[1])
    noise = 2 * torch.rand(shape, generator=generator, device=device) - 1
    fields = rows @ noise @ columns.T  # (2, N, H, W)
    return (2 * spread.elastic * math.sqrt(3) * fields).permute(1, 2, 3, 0)


def bumps(side: int, softness: float) -> Tensor:
    """Weights (side, nodes) of Gaussians about evenly spaced nodes; each row's squares add to 1."""
    pixels = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    step = softness / NODES
    beyond = math.ceil(REACH * NODES)
    nodes = torch.arange(-beyond, math.ceil(1 / step) + beyond + 1, dtype=torch.float64) * step
    weights = torch.exp(-((pixels[:, None] - nodes) ** 2) / (2 * softness**2))
    return (weights / weights.norm(dim=1, keepdim=True)).float()
