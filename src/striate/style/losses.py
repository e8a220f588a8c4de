"""What a picture has of a photograph and of a painting (Gatys, Ecker & Bethge, CVPR 2016).

Each loss is relative: 0 where both agree, and 1 about where the picture has nothing; and of each
picture of a batch its own. The paper has
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
    """(N,) the mean square difference of feature maps (N, C, H, W), by that of `wanted` from 0
    (Equation 1)."""
    return (maps - wanted).square().mean((1, 2, 3)) / wanted.square().mean((1, 2, 3))


def gram(maps: Tensor, shares: Tensor | None = None) -> Tensor:
    """How feature maps (N, C, H, W) occur together, wherever that is: (N, C, C) (Equation 3, over
    the number of places).

    Args:
        shares: (H, W), what each place counts for, in all 1; where None, all the same.
    """
    rows = by_place(maps)
    if shares is None:
        return rows.mT @ rows / rows.shape[1]
    return rows.mT @ (rows * shares.reshape(-1, 1))


def style_loss(maps: Tensor, wanted: Tensor, shares: Tensor | None = None) -> Tensor:
    """(N,) the mean square difference between `gram(maps, shares)` and Gram matrices `wanted`
    (N, C, C), or one for all (1, C, C), by that of `wanted` from 0 (Equation 4).

    The gradient by the maps is one product, of them and that difference (Equation 6).
    """
    loss: Tensor = GramDifference.apply(maps, wanted, shares)
    return loss


class GramDifference(torch.autograd.Function):
    """Equations 4 and 6."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, wanted: Tensor, shares: Tensor | None) -> Tensor:
        difference = gram(maps, shares) - wanted
        size = wanted.square().sum((1, 2), keepdim=True)
        ctx.save_for_backward(maps, difference / size, shares)
        return difference.square().sum((1, 2)) / size.flatten()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        maps, difference, shares = ctx.saved_tensors
        rows, (height, width) = by_place(maps), maps.shape[2:]
        found = rows @ (difference * (4 * gradient[:, None, None]))
        found *= 1 / (height * width) if shares is None else shares.reshape(-1, 1)
        return found.view(len(maps), height, width, -1).permute(0, 3, 1, 2), None, None


def total_variation(picture: Tensor) -> Tensor:
    """(N,) the mean square difference of neighbors in (N, C, H, W), down and across."""
    down = (picture[:, :, 1:] - picture[:, :, :-1]).square().sum((1, 2, 3))
    across = (picture[:, :, :, 1:] - picture[:, :, :, :-1]).square().sum((1, 2, 3))
    return (down + across) / picture[0].numel()


def by_place(maps: Tensor) -> Tensor:
    """(N, C, H, W) to (N, H W, C); no copy where channels are innermost in memory."""
    return maps.permute(0, 2, 3, 1).reshape(len(maps), -1, maps.shape[1])
