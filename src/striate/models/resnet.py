"""ResNet (He, Zhang, Ren & Sun 2016, arXiv:1512.03385): layers that learn what to add.

Table 1 for ImageNet, Section 4.2 for CIFAR-10. Of the two forms in use the bottleneck here strides
in its 3 x 3 convolution, as the published weights of torchvision do, not in the first 1 x 1.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.stages import Stages

Shortcut = Literal["A", "B"]

# Table 1: blocks in each of the four stages, and whether a block is a bottleneck.
IMAGENET = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
WIDTH = 64  # of the first stage
EXPANSION = 4  # a bottleneck hands on four times its width

# Section 4.2: 6n + 2 layers, three stages of n blocks each.
CIFAR = {20: 3, 32: 5, 44: 7, 56: 9, 110: 18}
CIFAR_WIDTHS = (16, 32, 64)


class PadChannels(nn.Module):
    """Shortcut A: every other pixel, and zeros for the new channels, half in front, half behind."""

    def __init__(self, new: int, stride: int):
        super().__init__()
        self.new, self.stride = new, stride

    def forward(self, x: Tensor) -> Tensor:
        front = self.new // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, front, self.new - front))


def shortcut(inputs: int, outputs: int, stride: int, form: Shortcut) -> nn.Module:
    """The way around a block: the identity wherever shapes allow it (Section 3.3)."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    if form == "A":
        return PadChannels(outputs - inputs, stride)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class Basic(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (Figure 5, left)."""

    def __init__(self, inputs: int, width: int, stride: int, form: Shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = shortcut(inputs, width, stride, form)

    def forward(self, x: Tensor) -> Tensor:
        residual = F.relu(self.bn1(self.conv1(x)), inplace=True)
        residual = self.bn2(self.conv2(residual))
        return F.relu(residual + self.shortcut(x), inplace=True)


class Bottleneck(nn.Module):
    """1 x 1 down, 3 x 3, 1 x 1 up, beside a shortcut (Figure 5, right)."""

    def __init__(self, inputs: int, width: int, stride: int, form: Shortcut):
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut(inputs, outputs, stride, form)

    def forward(self, x: Tensor) -> Tensor:
        residual = F.relu(self.bn1(self.conv1(x)), inplace=True)
        residual = F.relu(self.bn2(self.conv2(residual)), inplace=True)
        residual = self.bn3(self.conv3(residual))
        return F.relu(residual + self.shortcut(x), inplace=True)


def imagenet_resnet(
    depth: int,
    *,
    classes: int = 1000,
    channels: int = 3,
    shortcut: Shortcut = "B",
    width: int = WIDTH,
) -> Stages:
    """A column of Table 1, for images of any size; at 224 the stages give 56, 28, 14, 7 pixels.

    Args:
        width: of the first stage, channels; the paper's is 64. Each stage has twice as many as the
            one before.
    """
    blocks, deep = IMAGENET[depth]
    block = Bottleneck if deep else Basic
    widths = tuple(width * 2**stage for stage in range(len(blocks)))
    outputs = widths[-1] * (EXPANSION if deep else 1)
    stem = nn.Sequential(
        nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    return assemble(stem, width, widths, blocks, block, outputs, classes, channels, shortcut)


def cifar_resnet(
    depth: int, *, classes: int = 10, channels: int = 3, shortcut: Shortcut = "A"
) -> Stages:
    """The networks of Section 4.2, for 32 x 32 and larger images."""
    stem = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
    )
    blocks = (CIFAR[depth],) * 3
    return assemble(stem, 16, CIFAR_WIDTHS, blocks, Basic, 64, classes, channels, shortcut)


def assemble(
    stem: nn.Module,
    inputs: int,
    widths: tuple[int, ...],
    blocks: tuple[int, ...],
    block: type[Basic] | type[Bottleneck],
    outputs: int,
    classes: int,
    channels: int,
    form: Shortcut,
) -> Stages:
    """Stem, stages of blocks, the mean over all places, and the classifier."""
    if form not in ("A", "B"):
        raise ModelError(f"shortcut must be 'A' or 'B' (Section 3.3), not {form!r}")
    stages: dict[str, nn.Module] = {"stem": stem}
    for number, (width, count) in enumerate(zip(widths, blocks, strict=True), 1):
        layers = []
        for index in range(count):
            stride = 2 if index == 0 and number > 1 else 1  # every stage but the first halves
            layers.append(block(inputs, width, stride, form))
            inputs = width * (EXPANSION if block is Bottleneck else 1)
        stages[f"stage{number}"] = nn.Sequential(*layers)
    stages["pooled"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    stages["fc"] = nn.Linear(outputs, classes)
    model = Stages(stages, channels=channels)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return model
