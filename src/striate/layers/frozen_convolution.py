"""3 x 3 convolutions whose weights do not learn, in fewer multiplications.

Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin & Gray 2016, arXiv:1509.09308, Section 4.1): a
tile of 6 x 6 inputs gives 4 x 4 outputs with 36 products where the sum takes 144. Over all channels
that is 36 matrix products, and the weights are transformed once, since they do not change. The
transforms are products with Kronecker squares of the paper's matrices; rows of tiles are done a few
at a time, so that they stay in the cache, and small images several at a time.

The gradient by the input is a convolution with the same weights, turned by half and with inputs and
outputs exchanged; computed forward, in the layout in which a processor is fast forward.
"""

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from striate.errors import ModelError

TILE, WINDOW = 4, 6
# The paper's Section 4.1: B^T, G and A^T.
INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
FILTER = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
OUTPUT = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)
FEWEST = 2**13  # inputs x outputs, from which on the saved products outweigh the transforms
TILES = 256  # at a time
FEW = 16  # channels, below which torch's own gradient is the faster one


class FrozenConvolution(nn.Module):
    """The answers of a 3 x 3 convolution of stride 1 and padding 1, up to rounding; its weights get
    no gradient.

    Args:
        convolution: whose weights are copied.
        rectified: whether max(0, x) of them is answered.

    Raises:
        ModelError: if it is a convolution of another form.
    """

    weight: Tensor
    turned: Tensor
    bias: Tensor | None

    def __init__(self, convolution: nn.Conv2d, *, rectified: bool = False):
        super().__init__()
        if not freezable(convolution):
            raise ModelError(f"{convolution} is no 3 x 3 convolution of stride 1 and padding 1")
        weight = convolution.weight.detach()
        turned = weight.flip(2, 3).transpose(0, 1)
        self.out_channels, self.in_channels = weight.shape[:2]
        self.fast = self.out_channels * self.in_channels >= FEWEST
        lay = transformed if self.fast else innermost
        self.register_buffer("weight", lay(weight))
        self.register_buffer("turned", lay(turned))
        bias = convolution.bias
        self.register_buffer("bias", None if bias is None else bias.detach().clone())
        self.rectified = rectified

    def forward(self, maps: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H, W)."""
        found: Tensor = Convolved.apply(maps, self)
        return found

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, rectified={self.rectified}"


def freezable(convolution: nn.Module) -> bool:
    """Whether it is a convolution that `FrozenConvolution` can stand for."""
    return isinstance(convolution, nn.Conv2d) and (
        convolution.kernel_size,
        convolution.stride,
        convolution.padding,
        convolution.dilation,
        convolution.groups,
        convolution.padding_mode,
    ) == ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros")


class Convolved(torch.autograd.Function):
    """What a `FrozenConvolution` answers, and by the gradient of that another convolution."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, layer: FrozenConvolution) -> Tensor:
        ctx.layer = layer
        if layer.fast:
            found = winograd(maps, layer.weight, layer.bias, rectified=layer.rectified)
        else:
            found = F.conv2d(innermost(maps), layer.weight, layer.bias, padding=1)
            found = found.relu_() if layer.rectified else found
        if layer.rectified:
            ctx.save_for_backward(found)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        layer: FrozenConvolution = ctx.layer
        if layer.rectified:
            (found,) = ctx.saved_tensors
            gradient = torch.ops.aten.threshold_backward(gradient, found, 0)
        if layer.fast:
            return winograd(gradient, layer.turned), None
        if layer.in_channels < FEW:
            return F.conv_transpose2d(gradient, layer.weight, padding=1), None
        return F.conv2d(innermost(gradient), layer.turned, padding=1), None


def innermost(maps: Tensor) -> Tensor:
    """The same numbers, channels innermost in memory."""
    return maps.contiguous(memory_format=torch.channels_last)


def transformed(weight: Tensor) -> Tensor:
    """Weights (O, C, 3, 3) to (36, C, O): those of each place of a window."""
    twice = squared(FILTER, weight)
    return (twice @ weight.permute(2, 3, 1, 0).reshape(9, -1)).reshape(36, *weight.shape[1::-1])


def winograd(
    maps: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    rectified: bool = False,
    tiles: int = TILES,
) -> Tensor:
    """Maps (N, C, H, W) and `transformed` weights (36, C, O) to (N, O, H, W), channels innermost.

    Args:
        tiles: about how many are computed together.
    """
    number, channels, height, width = maps.shape
    outputs = weight.shape[2]
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = maps.new_zeros(number, TILE * rows + 2, TILE * columns + 2, channels)
    padded[:, 1 : height + 1, 1 : width + 1] = maps.permute(0, 2, 3, 1)
    found = maps.new_empty(number, TILE * rows, TILE * columns, outputs)
    by_tile = found.view(number, rows, TILE, columns, TILE, outputs)
    into, out = squared(INPUT, maps), squared(OUTPUT, maps)
    image, row, column, _ = padded.stride()
    strip = min(rows, max(1, tiles // columns))
    several = max(1, tiles // (rows * columns))  # images: weights are read once for all of them
    for n, first in itertools.product(range(0, number, several), range(0, rows, strip)):
        images, here = min(several, number - n), min(strip, rows - first)
        windows = padded.as_strided(
            (WINDOW, WINDOW, images, here, columns, channels),
            (row, column, image, TILE * row, TILE * column, 1),
            n * image + first * TILE * row,
        )
        places = (into @ windows.reshape(36, -1)).view(36, images * here * columns, channels)
        products = torch.bmm(places, weight).view(36, -1)
        answers = (out @ products).view(TILE, TILE, images, here, columns, outputs)
        if bias is not None:
            answers.add_(bias)
        if rectified:
            answers.relu_()
        by_tile[n : n + images, first : first + here] = answers.permute(2, 3, 0, 4, 1, 5)
    return found[:, :height, :width].permute(0, 3, 1, 2)


def squared(matrix: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    """The Kronecker square: the matrix applied to the rows and to the columns of a tile at once."""
    once = torch.tensor(matrix, dtype=like.dtype, device=like.device)
    return torch.kron(once, once)
