"""OverFeat (Sermanet, Eigen, Zhang, Mathieu, Fergus & LeCun 2014, arXiv:1312.6229): the winner of
ILSVRC 2013's localization, made to slide over images of any size (Section 3.5).

Poolings do not overlap and nothing is normalized. On images larger than the published 231 or 221
the full connections are the convolutions they have always been: `models.slide` turns them.
"""

from torch import nn

from striate.models.stages import Stages, grid_of, rectified


def overfeat_fast(*, classes: int = 1000, channels: int = 3, image_size: int = 231) -> Stages:
    """Table 1."""
    layers: dict[str, nn.Module] = {
        "conv1": rectified(nn.Conv2d(channels, 96, 11, stride=4)),
        "pool1": nn.MaxPool2d(2),
        "conv2": rectified(nn.Conv2d(96, 256, 5)),
        "pool2": nn.MaxPool2d(2),
        "conv3": rectified(nn.Conv2d(256, 512, 3, padding=1)),
        "conv4": rectified(nn.Conv2d(512, 1024, 3, padding=1)),
        "conv5": rectified(nn.Conv2d(1024, 1024, 3, padding=1)),
        "pool5": nn.MaxPool2d(2),
    }
    return decided(layers, 6, (3072, 4096), classes, channels, image_size)


def overfeat_accurate(*, classes: int = 1000, channels: int = 3, image_size: int = 221) -> Stages:
    """Table 3."""
    layers: dict[str, nn.Module] = {
        "conv1": rectified(nn.Conv2d(channels, 96, 7, stride=2)),
        "pool1": nn.MaxPool2d(3),
        "conv2": rectified(nn.Conv2d(96, 256, 7)),
        "pool2": nn.MaxPool2d(2),
        "conv3": rectified(nn.Conv2d(256, 512, 3, padding=1)),
        "conv4": rectified(nn.Conv2d(512, 512, 3, padding=1)),
        "conv5": rectified(nn.Conv2d(512, 1024, 3, padding=1)),
        "conv6": rectified(nn.Conv2d(1024, 1024, 3, padding=1)),
        "pool6": nn.MaxPool2d(3),
    }
    return decided(layers, 7, (4096, 4096), classes, channels, image_size)


def decided(
    layers: dict[str, nn.Module],
    number: int,
    hidden: tuple[int, int],
    classes: int,
    channels: int,
    image_size: int,
) -> Stages:
    """The network of these layers with full connections `number`, `number` + 1 and + 2 behind."""
    rows, columns = grid_of(layers, image_size)
    first, second = hidden
    layers |= {
        "flatten": nn.Flatten(),
        f"fc{number}": nn.Sequential(
            *rectified(nn.Linear(1024 * rows * columns, first)), nn.Dropout()
        ),
        f"fc{number + 1}": nn.Sequential(*rectified(nn.Linear(first, second)), nn.Dropout()),
        f"fc{number + 2}": nn.Linear(second, classes),
    }
    model = Stages(layers, channels=channels)
    for layer in model.modules():  # Section 3.1: (mean, deviation) = (0, 0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return model
