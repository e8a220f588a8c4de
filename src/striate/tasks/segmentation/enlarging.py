"""From scores at the scale of a network to classes at that of the picture, a few rows at a time."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STRIP = 2**22  # scores that are enlarged at a time


def classes_at(scores: Tensor, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width) uint8: the class with the highest score, interpolated bilinearly.

    Memory is that of a strip, however large the picture.

    Args:
        scores: (C, h, w).
    """
    if scores.shape[1:] == (height, width):
        return scores.argmax(0).to(torch.uint8).cpu().numpy()
    labels = np.empty((height, width), np.uint8)
    rows = max(1, STRIP // (len(scores) * width))
    for first in range(0, height, rows):
        last = min(height, first + rows)
        some = between(scores, 1, torch.arange(first, last), height)
        some = between(some, 2, torch.arange(width), width)
        labels[first:last] = some.argmax(0).to(torch.uint8).cpu().numpy()
    return labels


def between(x: Tensor, axis: int, places: Tensor, count: int) -> Tensor:
    """Values at some of `count` places, spread evenly over an axis, between those that it has."""
    side = x.shape[axis]
    at = ((places.double() + 0.5) * side / count - 0.5).clamp(0, side - 1)
    low = at.floor().long()
    shape = [-1 if k == axis else 1 for k in range(x.ndim)]
    share = (at - low).to(x).view(shape)
    low = low.to(x.device)
    high = (low + 1).clamp(max=side - 1)
    return torch.lerp(x.index_select(axis, low), x.index_select(axis, high), share)
