"""What YOLO learns to recognize before it detects (Redmon, Divvala, Girshick & Farhadi 2016,
arXiv:1506.02640, Section 2.2): its first convolutions, an average and one full connection.

`striate.models.yolo` puts the layers that detect upon them.
"""

from collections.abc import Iterable

from torch import nn

from striate.models.stages import Stages

SLOPE = 0.1  # of the leaky rectifier (Equation 2)
Layer = tuple[int, int, int]  # kernel, filters, stride
Blocks = tuple[tuple[Layer, ...], ...]  # a pooling of 2 x 2 between each two

# fmt: off
FIGURE_3: Blocks = (  # the 20 convolutions that learn ImageNet first, a line a block
    ((7, 64, 2),),
    ((3, 192, 1),),
    ((1, 128, 1), (3, 256, 1), (1, 256, 1), (3, 512, 1)),
    (*((1, 256, 1), (3, 512, 1)) * 4, (1, 512, 1), (3, 1024, 1)),
    ((1, 512, 1), (3, 1024, 1)) * 2,
)
# Fast YOLO, of which the paper tells the number of its convolutions alone: the authors' file of
# that time (yolo-tiny.cfg), up to the layers that detect; it ends in a pooling.
FAST: Blocks = (
    ((3, 16, 1),), ((3, 32, 1),), ((3, 64, 1),), ((3, 128, 1),), ((3, 256, 1),), ((3, 512, 1),), (),
)
# fmt: on


def yolo_classifier(blocks: Blocks = FIGURE_3, *, classes: int = 1000, channels: int = 3) -> Stages:
    """The convolutions of YOLO as a classifier of images of any size, 224 pixels in the paper."""
    layers: dict[str, nn.Module] = {}
    width = channels
    for number, block in enumerate(blocks, 1):
        if number > 1:
            layers[f"pool{number - 1}"] = nn.MaxPool2d(2)
        for place, layer in enumerate(block, 1):
            name = f"conv{number}" if len(block) == 1 else f"conv{number}_{place}"
            layers[name] = nn.Sequential(*convolutions(width, [layer]))
            width = layer[1]
    layers["pooled"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    layers["fc"] = nn.Linear(width, classes)
    return Stages(layers, channels=channels)


def convolutions(channels: int, plan: Iterable[Layer]) -> list[nn.Module]:
    """The planned convolutions, each with its leaky rectifier (Equation 2)."""
    layers: list[nn.Module] = []
    for kernel, filters, stride in plan:
        convolution = nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2)
        nn.init.kaiming_normal_(convolution.weight, SLOPE, nonlinearity="leaky_relu")
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
        layers += [convolution, nn.LeakyReLU(SLOPE)]
        channels = filters
    return layers
