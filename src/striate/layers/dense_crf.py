"""The fully connected conditional random field (Kraehenbuehl & Koltun 2011, arXiv:1210.5644).

Every pixel is joined to every other by two Gaussian kernels: of place alone, which takes small
islands away, and of place and color, which brings borders to where the picture has them. Mean field
inference is a few rounds of Gaussian filtering (Algorithm 1), here with the Potts model.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.ops.permutohedral import Lattice

REACH = 4.0  # standard deviations at which the kernel of places ends: 3e-4 of its middle
BLOCK = 32


@dataclass(frozen=True)
class CRFSettings:
    """Weights and widths of the kernels (Equation 3), and how many rounds.

    Attributes:
        smooth_weight, smooth_place: of the kernel of place; its width in pixels.
        weight, place, color: of the kernel of place and color; its widths in pixels, and in values
            of a channel from 0 to 255.
    """

    smooth_weight: float = 3.0
    smooth_place: float = 3.0
    weight: float = 4.0
    place: float = 60.0
    color: float = 10.0
    rounds: int = 10


USUAL = CRFSettings()


def marginals(
    probabilities: Tensor, pixels: NDArray[np.uint8], settings: CRFSettings = USUAL
) -> Tensor:
    """Marginals of the field, (C, H, W).

    The kernel of place is summed to 1e-5, that of place and color on the permutohedral lattice,
    whose sums are a few per cent off in the mean, as those of the authors' program are.

    Args:
        probabilities: (C, H, W) of each class by itself.
        pixels: (H, W, 3) uint8.
    """
    _classes, height, width = probabilities.shape
    unary = probabilities.clamp(min=1e-8).log()
    appearance = Appearance(pixels, settings) if settings.weight else None
    q = unary.softmax(0)
    places = 1 / smoothed(torch.ones(1, height, width), settings.smooth_place).sqrt()
    for _ in range(settings.rounds):
        message = settings.smooth_weight * places * smoothed(q * places, settings.smooth_place)
        if appearance is not None:
            message += settings.weight * appearance(q)
        q = (unary + message).softmax(0)
    return q


class Appearance:
    """Sums over all pixels, weighed by the kernel of place and color, normalized so that pixels
    with many like them do not count for more: D^(-1/2) K D^(-1/2)."""

    def __init__(self, pixels: NDArray[np.uint8], settings: CRFSettings):
        height, width = pixels.shape[:2]
        points = np.empty((height * width, 5))
        points[:, 0] = np.repeat(np.arange(height), width) / settings.place
        points[:, 1] = np.tile(np.arange(width), height) / settings.place
        points[:, 2:] = pixels.reshape(-1, 3) / settings.color
        self.lattice = Lattice(points)
        total = self.lattice.filtered(np.ones((height * width, 1), np.float32))
        self.norm = 1 / np.sqrt(np.maximum(total, 1e-20))

    def __call__(self, q: Tensor) -> Tensor:
        """(C, H, W) to (C, H, W)."""
        flat = q.flatten(1).T.float().contiguous().numpy()
        found = self.norm * self.lattice.filtered(self.norm * flat)
        return torch.from_numpy(np.ascontiguousarray(found.T)).view(q.shape).to(q)


def smoothed(x: Tensor, deviation: float) -> Tensor:
    """Sums (C, H, W) over all pixels, weighed by a Gaussian of their distance."""
    rows = _along(x.transpose(1, 2), deviation)
    return _along(rows.transpose(1, 2), deviation)


def _along(x: Tensor, deviation: float) -> Tensor:
    """The same along the last axis: BLOCK places at a time are a product with the band of weights
    that reaches them, in a fraction of the time of a convolution of one channel."""
    length = x.shape[-1]
    reach = max(1, int(REACH * deviation + 0.5))
    blocks = -(-length // BLOCK)
    padded = F.pad(x, (reach, blocks * BLOCK - length + reach))
    apart = torch.arange(BLOCK + 2 * reach)[:, None] - reach - torch.arange(BLOCK)
    band = torch.exp(-((apart.to(x) / deviation) ** 2) / 2)
    band = band * (apart.abs() <= reach)
    return (padded.unfold(-1, BLOCK + 2 * reach, BLOCK) @ band).flatten(-2)[..., :length]
