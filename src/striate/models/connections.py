"""Connections as the papers count them: pairs of a unit and what it reads.

A unit reads its inputs and its bias (LeCun et al. 1998, Section II.B: 122,304 in C1, 340,908 in
LeNet-5); what it would read of the padding is no connection. Poolings without weights have none.
"""

from torch import Tensor, nn

from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.radial_basis import RBFOutput
from striate.layers.subsampling import Subsampling
from striate.layers.table_convolution import TableConv2d
from striate.models.efficientnet import SameConv2d
from striate.ops.cost import taps


def connections(layer: nn.Module, maps: Tensor, output: Tensor) -> int:
    """How many connections a layer has that makes `output` of `maps`, each of one image.

    >>> import torch
    >>> layer = nn.Conv2d(1, 6, 5)
    >>> connections(layer, torch.zeros(1, 32, 32), torch.zeros(6, 28, 28))
    122304
    """
    biases = output.numel() if getattr(layer, "bias", None) is not None else 0
    if isinstance(layer, nn.Conv2d):
        return read_by(layer, maps) * layer.weight[:, :, 0, 0].numel() + biases
    if isinstance(layer, TableConv2d):
        down, across = (taps(side, layer.kernel_size) for side in maps.shape[-2:])
        return down * across * len(layer.weight) + biases
    if isinstance(layer, nn.Linear):
        return output.numel() * layer.in_features + biases
    if isinstance(layer, LocallyConnected2d):
        return layer.weight.numel() + biases
    if isinstance(layer, Subsampling):
        return output.numel() * layer.size**2 + biases
    if isinstance(layer, RBFOutput):
        return layer.targets.numel()
    return 0


def read_by(layer: nn.Conv2d, maps: Tensor) -> int:
    """How many values of one map a filter reads over all its places."""
    product = 1
    for axis, size in enumerate(maps.shape[-2:]):
        kernel, stride, dilation = (
            values[axis] for values in (layer.kernel_size, layer.stride, layer.dilation)
        )
        product *= taps(
            size, kernel, stride=stride, padding=padding_of(layer, maps, axis), dilation=dilation
        )
    return product


def padding_of(layer: nn.Conv2d, maps: Tensor, axis: int) -> tuple[int, int]:
    """Padding before and behind, down (0) or across (1)."""
    if isinstance(layer, SameConv2d):
        return layer.padding_for(maps.shape[-2:])[axis]
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "same":
        both = layer.dilation[axis] * (layer.kernel_size[axis] - 1)
        return both // 2, both - both // 2
    return layer.padding[axis], layer.padding[axis]  # type: ignore[return-value]
