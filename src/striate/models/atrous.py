"""Networks that stop shrinking: strides taken out, kernels spread with holes ("a trous") instead.

What a place of the map sees stays the same, and there are more places (Chen et al. 2015, Section
3.1). Weights are not touched.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.backbone import ADAPTIVE, SIDE
from striate.models.skeletons import hollow
from striate.models.stages import Stages, down
from striate.models.surgery import replace


def atrous(network: Stages, stride: int) -> Stages:
    """The network with no map coarser than `stride`, changed in place and returned.

    Stages that full connections belong to are left as they are.
    """
    total, rate = 1, 1
    for name, factor in factors(network):
        removed = total * factor > stride
        if not removed:
            total *= factor
        if removed or rate > 1:
            unshrunk(network, name, rate, removed=removed)
        if removed:
            rate *= factor
    return network


def factors(network: Stages) -> list[tuple[str, int]]:
    """By how much each stage makes maps smaller, up to the last that gives maps of any size."""
    found, x = [], torch.empty(0, network.channels, SIDE, SIDE, device="cpu")
    with torch.no_grad():
        for name, stage in hollow(network).stages():
            if any(isinstance(layer, ADAPTIVE) for layer in stage.modules()):
                break
            y = stage(x)
            if y.ndim != 4:
                break
            found.append((name, round(x.shape[2] / y.shape[2])))
            x = y
    return found


def unshrunk(network: Stages, stage: str, rate: int, *, removed: bool) -> None:
    """Spreads the kernels of a stage by `rate`, and by twice that what comes after its stride,
    which is taken out if it is to be `removed`."""
    passed = False
    for name, layer in list(network.get_submodule(stage).named_modules()):
        place = f"{stage}.{name}" if name else stage
        if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d) and removed:
            replace(network, place, type(layer)(3, 1, 1))
        elif isinstance(layer, nn.Conv2d):
            strided = down(layer.stride) > 1
            replace(network, place, spread(layer, 2 * rate if passed else rate))
            passed = passed or (strided and removed)


def spread(layer: nn.Conv2d, rate: int) -> nn.Conv2d:
    """The same kernel with stride 1 and its weights `rate` apart, the map's size kept."""
    padding = tuple(rate * (side - 1) // 2 for side in layer.kernel_size)
    depthwise = rate > 1 and layer.groups == layer.in_channels > 1
    made = (DepthwiseWithHoles if depthwise else nn.Conv2d)(
        layer.in_channels, layer.out_channels, layer.kernel_size, 1, padding, rate,  # type: ignore[arg-type]
        layer.groups, layer.bias is not None,
    )  # fmt: skip
    made.weight, made.bias = layer.weight, layer.bias
    return made


class DepthwiseWithHoles(nn.Conv2d):
    """A convolution of each channel by itself with weights apart, as a plain one of every rate-th
    row and column: the processor has no fast form for holes."""

    def forward(self, x: Tensor) -> Tensor:
        rate, (kernel, _) = down(self.dilation), self.kernel_size
        count, channels, height, width = x.shape
        x = F.pad(x, (0, -width % rate, 0, -height % rate))
        rows, columns = x.shape[2] // rate, x.shape[3] // rate
        x = x.view(count, channels, rows, rate, columns, rate).permute(0, 3, 5, 1, 2, 4)
        x = x.reshape(count * rate**2, channels, rows, columns)
        x = x.contiguous(memory_format=torch.channels_last)
        x = F.conv2d(x, self.weight, self.bias, padding=kernel // 2, groups=self.groups)
        x = x.view(count, rate, rate, channels, rows, columns).permute(0, 3, 4, 1, 5, 2)
        x = x.reshape(count, channels, rows * rate, columns * rate)
        return x[:, :, :height, :width]
