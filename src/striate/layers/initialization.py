"""First weights by name: Glorot & Bengio 2010, He et al. 2015, Saxe et al. 2014, LeCun et al. 1998.

    glorot      uniform, variance 2 / (fan-in + fan-out)   signals keep their size both ways, tanh
    he          normal, variance 2 / fan-in                the same through rectifiers
    orthogonal  rows or columns orthonormal                exact in deep linear networks
    lecun       uniform within 2.4 / fan-in                LeNet-5

Fan-in is how many numbers a unit reads, fan-out how many units read an input (edges aside).
Biases become 0. Normalization layers and parameters of unknown layers are left as they are.
"""

from collections.abc import Callable, Iterator
from math import sqrt

import torch
from torch import Tensor, nn

from striate.errors import ModelError, UnknownName
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.table_convolution import TableConv2d

Fill = Callable[[Tensor, int, int, torch.Generator | None], object]


def glorot(matrix: Tensor, fan_in: int, fan_out: int, generator: torch.Generator | None) -> None:
    bound = sqrt(6 / (fan_in + fan_out))
    matrix.uniform_(-bound, bound, generator=generator)


def he(matrix: Tensor, fan_in: int, fan_out: int, generator: torch.Generator | None) -> None:
    matrix.normal_(0, sqrt(2 / fan_in), generator=generator)


def orthogonal(
    matrix: Tensor, fan_in: int, fan_out: int, generator: torch.Generator | None
) -> None:
    nn.init.orthogonal_(matrix, generator=generator)


def lecun(matrix: Tensor, fan_in: int, fan_out: int, generator: torch.Generator | None) -> None:
    matrix.uniform_(-2.4 / fan_in, 2.4 / fan_in, generator=generator)


INITIALIZATIONS: dict[str, Fill] = {
    "glorot": glorot,
    "xavier": glorot,
    "he": he,
    "kaiming": he,
    "orthogonal": orthogonal,
    "saxe": orthogonal,
    "lecun": lecun,
}


@torch.no_grad()
def initialize(
    model: nn.Module, name: str, *, gain: float = 1.0, generator: torch.Generator | None = None
) -> nn.Module:
    """Draws the weights of every convolution and full connection of the model anew, in place.

    Args:
        model: any module.
        name: a key of `INITIALIZATIONS`.
        gain: the weights are multiplied by it; sqrt(2) makes `orthogonal` fit rectifiers.
        generator: of the drawing; by default torch's own.

    Returns:
        The model.

    Raises:
        UnknownName: no initialization is called so.
        ModelError: the model has nothing to initialize.
    """
    if name not in INITIALIZATIONS:
        raise UnknownName("initialization", name, INITIALIZATIONS)
    fill, found = INITIALIZATIONS[name], False
    for layer in model.modules():
        parts = list(matrices(layer))
        if parts and isinstance(layer.bias, Tensor):
            layer.bias.zero_()
        for matrix, fan_in, fan_out in parts:
            fill(matrix, fan_in, fan_out, generator)
            matrix *= gain
            found = True
    if not found:
        raise ModelError("the model has no convolution and no full connection to initialize")
    return model


def matrices(layer: nn.Module) -> Iterator[tuple[Tensor, int, int]]:
    """The weights of a layer as views, each with its fan-in and fan-out; none for other layers."""
    if isinstance(layer, nn.Linear):
        yield layer.weight, layer.in_features, layer.out_features
    elif isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        window = layer.weight[0, 0].numel()
        for group in layer.weight.chunk(layer.groups):  # (out / groups, in / groups, *window)
            yield group, group.shape[1] * window, group.shape[0] * window
    elif isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        window = layer.weight[0, 0].numel()
        for group in layer.weight.chunk(layer.groups):  # (in / groups, out / groups, *window)
            yield group, group.shape[0] * window, group.shape[1] * window
    elif isinstance(layer, LocallyConnected2d):
        window = layer.kernel_size**2
        for place in layer.weight:  # (in window, out)
            yield place, layer.in_channels * window, layer.out_channels * window
    elif isinstance(layer, TableConv2d):
        # A map's kernels are one row of the matrix; the table may give each row another length.
        readers = len(layer.weight) * layer.kernel_size**2 // layer.in_channels
        for kernels in layer.kernels():
            yield kernels.flatten()[None], kernels.numel(), readers
