"""EfficientNet-Lite (Tan & Le 2019, arXiv:1905.11946, Table 1, in the form without squeeze-and-
excitation and with ReLU6 that its authors published for phones).

Small, quick on a CPU and with weights that install from the package registry: the network striate
takes its deep features from where nothing else is at hand.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.stages import Stages
from striate.ops.sizes import same_padding

# Table 1 for width and depth 1: expansion, channels, blocks, kernel, stride of the first block.
STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
STEM, HEAD = 32, 1280  # not scaled with the width in the Lite form
EPSILON = 1e-3

# width, depth, dropout
SCALES = {0: (1.0, 1.0, 0.2), 1: (1.0, 1.1, 0.2), 2: (1.1, 1.2, 0.3)}


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: ceil(size / stride) outputs, and where the
    zeros do not divide evenly the extra one goes to the right and the bottom."""

    def padding_for(self, size: Sequence[int]) -> list[tuple[int, int]]:
        """Zeros before and behind for a map of (rows, columns)."""
        axes = zip(size, self.kernel_size, self.stride, strict=True)
        return [same_padding(side, kernel, stride=stride) for side, kernel, stride in axes]

    def forward(self, x: Tensor) -> Tensor:
        down, right = (before + behind for before, behind in self.padding_for(x.shape[-2:]))
        weight = self.weight
        if down % 2 or right % 2:
            if self.groups == self.in_channels:
                # A column of zeros in front of the kernel shifts it as the uneven padding would,
                # without copying the images: up to 7 times as fast where channels are many.
                weight = F.pad(weight, (right % 2, 0, down % 2, 0))
                down, right = down + down % 2, right + right % 2
            else:
                x = F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
                down = right = 0
        return F.conv2d(
            x, weight, self.bias, self.stride, (down // 2, right // 2), groups=self.groups
        )


class ReLU6(nn.ReLU6):
    """torch's, but in place also while learning.

    The gradient can be told from the output as well as from the input, so the input need not be
    kept: a step of learning takes about a tenth less time, and one map less of memory a layer.
    """

    def forward(self, x: Tensor) -> Tensor:
        learning = torch.is_grad_enabled() and x.requires_grad and not x.is_leaf
        if learning and not torch.compiler.is_compiling():
            return _Clamp.apply(x, self.min_val, self.max_val)
        return F.hardtanh(x, self.min_val, self.max_val, inplace=True)


class _Clamp(torch.autograd.Function):
    """x, clamped in place, with the output kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        ctx.limits = low, high
        ctx.mark_dirty(x)
        x.clamp_(low, high)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (output,) = ctx.saved_tensors
        low, high = ctx.limits
        return torch.ops.aten.hardtanh_backward(gradient, output, low, high), None, None


def convolution(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution, batch normalization and, unless told otherwise, ReLU6."""
    if stride == 1:
        conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    else:
        conv = SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
    norm = nn.BatchNorm2d(outputs, eps=EPSILON)
    return nn.Sequential(conv, norm, *([ReLU6()] if act else []))


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel, narrow; around it the identity where shapes allow (MBConv)."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int):
        super().__init__()
        width = inputs * expansion
        self.expand = convolution(inputs, width) if expansion > 1 else nn.Identity()
        self.depthwise = convolution(width, width, kernel, stride, groups=width)
        self.project = convolution(width, outputs, act=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return y + x if self.residual else y


def efficientnet_lite(scale: int, *, classes: int = 1000, channels: int = 3) -> Stages:
    """EfficientNet-Lite0 to Lite2, for images of any size; the published ones saw 224, 240, 260."""
    width, depth, dropout = SCALES[scale]
    stages: dict[str, nn.Module] = {"stem": convolution(channels, STEM, 3, 2)}
    inputs = STEM
    for number, (expansion, base, count, kernel, stride) in enumerate(STAGES, 1):
        outputs = scaled_width(base, width)
        if 1 < number < len(STAGES):  # the Lite form leaves the first and last stage's depth alone
            count = math.ceil(depth * count)
        blocks = []
        for index in range(count):
            blocks.append(
                InvertedBottleneck(inputs, outputs, expansion, kernel, stride if index == 0 else 1)
            )
            inputs = outputs
        stages[f"stage{number}"] = nn.Sequential(*blocks)
    stages["head_conv"] = convolution(inputs, HEAD)
    stages["pooled"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout))
    stages["fc"] = nn.Linear(HEAD, classes)
    model = Stages(stages, channels=channels)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    nn.init.uniform_(stages["fc"].weight, -1 / math.sqrt(classes), 1 / math.sqrt(classes))  # type: ignore[arg-type]
    nn.init.zeros_(stages["fc"].bias)  # type: ignore[arg-type]
    return model


def scaled_width(channels: int, width: float) -> int:
    """`channels` times `width`, to a multiple of 8 that is not more than a tenth too small."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels * width else rounded + 8
