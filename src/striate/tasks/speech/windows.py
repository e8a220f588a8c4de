"""Frames with those around them: what an acoustic network reads."""

import torch
from torch import Tensor

CONTEXT = 7  # frames on each side: 15 in all, as in 2014


def windows(features: Tensor, rows: Tensor, reach: Tensor, context: int) -> Tensor:
    """(N, 2 * context + 1, C, D) of features (F, C, D): frames `rows` (N,) in their surroundings.

    Args:
        reach: (N, 2) the first and the last frame of the recording; they stand for what is beyond.
    """
    around = rows[:, None] + torch.arange(-context, context + 1)
    return features[around.clamp(reach[:, :1], reach[:, 1:])]


def of_all(features: Tensor, context: int = CONTEXT) -> Tensor:
    """(T, 2 * context + 1, C, D): every frame of one recording (T, C, D) in its surroundings."""
    rows = torch.arange(len(features))
    reach = torch.tensor([[0, len(features) - 1]]).expand(len(features), 2)
    return windows(features, rows, reach, context)
