"""Small networks, faster: convolution, activation and pooling of few channels as one operation.

The logits and gradients are the network's own up to rounding, and so are the parameters.
"""

from collections.abc import Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers.activations import ScaledTanh
from striate.layers.pooled_convolution import (
    images_innermost,
    images_outermost,
    pooled_convolution,
)
from striate.models.lenet import PadTo
from striate.models.stages import Stages
from striate.ops.memory import plain

FEW = 8
"""Channels up to which a layer is fused that reads what a fused layer gave.

On one core (AVX2, batches of 32), forward and backward, against torch's faster layout: 1 channel
takes a third of the time, whatever the kernel and the number of filters, 6 channels take 0.6 to 0.9
of it, 8 the same and 16 more. Three channels, which torch treats apart, are a draw too.
"""

INCREASING = (nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.SELU, ScaledTanh)
"""Activations that never fall: the largest of four is the same before them and after."""


def fused(model: nn.Module) -> nn.Module:
    """A module that computes what `model` does, with the same parameters, in less time.

    It pays for learning in batches on the processor, where a network of gray images begins with
    convolutions (stride 1) that end in 2 x 2 max pooling, as LeNet-5 does. Any other network is
    returned as it is. Images on another device or in another precision go the network's own way.
    """
    if not isinstance(model, Stages) or type(model).forward is not Stages.forward:
        return model
    if not plain(model):  # they are whole in the network's own way alone
        return model
    layers = [layer for _, stage in model.stages() for layer in unrolled(stage)]
    pooled, read = leading(layers)
    return Fused(model, pooled, layers[read:]) if pooled else model


class PooledLayer(nn.Module):
    """A convolution, its activation and the pooling behind it, on (H, C, W, N).

    Args:
        convolution: whose filters and padding are taken.
        activation: increasing; after the pooling it has a quarter of the work.
        border: of the images, where there is one.
    """

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None, border: PadTo | None):
        super().__init__()
        self.convolution, self.activation, self.border = convolution, activation, border

    def forward(self, x: Tensor) -> Tensor:
        if self.border is not None:
            down, right = (max(self.border.size - x.shape[axis], 0) for axis in (0, 2))
            x = within(x, self.border.value, down, right)
        down, right = cast(tuple[int, int], self.convolution.padding)
        if down or right:
            x = F.pad(x, (0, 0, right, right, 0, 0, down, down))
        rectify = type(self.activation) is nn.ReLU
        x = pooled_convolution(x, self.convolution.weight, self.convolution.bias, rectify=rectify)
        return x if rectify or self.activation is None else self.activation(x)


def within(x: Tensor, value: float, down: int, right: int) -> Tensor:
    """x (H, C, W, N) amid that many more rows and columns of a value, contiguous: in one copy, also
    where x is a view of something that lies in another order."""
    height, channels, width, images = x.shape
    bordered = x.new_full((height + down, channels, width + right, images), value)
    bordered[down // 2 :, :, right // 2 :][:height, :, :width] = x
    return bordered


class Fused(nn.Module):
    """The network `model`, its first layers as `pooled` ones, the `rest` as they are."""

    def __init__(self, model: Stages, pooled: list[PooledLayer], rest: list[nn.Module]):
        super().__init__()
        self.model, self.pooled, self.rest = model, nn.Sequential(*pooled), nn.Sequential(*rest)

    def forward(self, images: Tensor) -> Tensor:
        if images.device.type != "cpu" or torch.is_autocast_enabled("cpu") or images.ndim != 4:
            return self.model(images)
        try:
            return self.rest(images_outermost(self.pooled(images_innermost(images))))
        except (RuntimeError, ModelError):
            self.model(images)  # says what is wrong where the images are to blame
            raise


def leading(layers: list[nn.Module]) -> tuple[list[PooledLayer], int]:
    """The layers that a network begins with as pooled ones, and how many it has of them."""
    pooled: list[PooledLayer] = []
    border = layers[0] if layers and isinstance(layers[0], PadTo) else None
    read = 0 if border is None else 1
    while read < len(layers) and suits(layers[read], FEW if pooled else 1):
        activation: nn.Module | None
        match layers[read + 1 : read + 3]:
            case [activation, pooling] if increases(activation) and halves(pooling):
                length = 3
            case [pooling, activation] if halves(pooling) and increases(activation):
                length = 3
            case [pooling, *_] if halves(pooling):
                activation, length = None, 2
            case _:
                break
        pooled.append(PooledLayer(cast(nn.Conv2d, layers[read]), activation, border))
        border = None
        read += length
    return pooled, read


def increases(layer: nn.Module) -> bool:
    """Whether a layer is an activation that never falls."""
    return isinstance(layer, INCREASING)


def suits(layer: nn.Module, most: int) -> bool:
    """Whether a layer is a plain convolution of at most so many channels."""
    return (
        type(layer) is nn.Conv2d
        and layer.in_channels <= most
        and layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and not isinstance(layer.padding, str)
        and layer.padding_mode == "zeros"
    )


def halves(layer: nn.Module) -> bool:
    """Whether a layer is 2 x 2 max pooling that leaves a last odd row out."""
    return (
        type(layer) is nn.MaxPool2d
        and layer.kernel_size in (2, (2, 2))
        and layer.stride in (2, (2, 2))
        and layer.padding in (0, (0, 0))
        and layer.dilation in (1, (1, 1))
        and not layer.ceil_mode
        and not layer.return_indices
    )


def unrolled(stage: nn.Module) -> Iterator[nn.Module]:
    """The layers of a stage one after another, sequences opened."""
    if type(stage) is not nn.Sequential:
        yield stage
        return
    for layer in stage:
        yield from unrolled(layer)
