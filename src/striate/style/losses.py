"""What a picture has of a photograph and of a painting (Gatys, Ecker & Bethge, CVPR 2016).

Each loss is relative: 0 where both agree, and 1 about where the picture has nothing. The paper has
sums (Equations 1 and 4), over a network whose weights were scaled so that every feature map has the
mean 1 over images of ImageNet (Section 2). Relative losses do what those scales are for, they bring
layers to one measure, for any network and without further images; nor do they change with the size
of the pictures.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def content_loss(maps: Tensor, wanted: Tensor) -> Tensor:
    """The mean square difference of two feature maps of one shape, by that of `wanted` from 0
    (Equation 1)."""
    return (maps - wanted).square().mean() / wanted.square().mean()


def gram(maps: Tensor, shares: Tensor | None = None) -> Tensor:
    """How feature maps (1, C, H, W) occur together, wherever that is: (C, C) (Equation 3, over the
    number of places).

    Args:
        shares: (H, W), what each place counts for, in all 1; where None, all the same.
    """
    rows = by_place(maps)
    if shares is None:
        return rows.T @ rows / len(rows)
    return rows.T @ (rows * shares.reshape(-1, 1))


def style_loss(maps: Tensor, wanted: Tensor, shares: Tensor | None = None) -> Tensor:
    """The mean square difference between `gram(maps, shares)` and the Gram matrix `wanted` (C, C),
    by that of `wanted` from 0 (Equation 4).

    The gradient by the maps is one product, of them and that difference (Equation 6).
    """
    loss: Tensor = GramDifference.apply(maps, wanted, shares)
    return loss


class GramDifference(torch.autograd.Function):
    """Equations 4 and 6."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, wanted: Tensor, shares: Tensor | None) -> Tensor:
        difference = gram(maps, shares) - wanted
        size = wanted.square().sum()
        ctx.save_for_backward(maps, difference / size, shares)
        return difference.square().sum() / size

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        maps, difference, shares = ctx.saved_tensors
        rows, places = by_place(maps), maps.shape[2] * maps.shape[3]
        found = rows @ (difference * (4 * gradient))
        found *= 1 / places if shares is None else shares.reshape(-1, 1)
        height, width = maps.shape[2:]
        return found.view(1, height, width, -1).permute(0, 3, 1, 2), None, None


def total_variation(picture: Tensor) -> Tensor:
    """The mean square difference of neighbors in (N, C, H, W), down and across."""
    down = (picture[:, :, 1:] - picture[:, :, :-1]).square()
    across = (picture[:, :, :, 1:] - picture[:, :, :, :-1]).square()
    return (down.sum() + across.sum()) / picture.numel()


def by_place(maps: Tensor) -> Tensor:
    """(1, C, H, W) to (H W, C); no copy where channels are innermost in memory."""
    return maps[0].permute(1, 2, 0).reshape(-1, maps.shape[1])
