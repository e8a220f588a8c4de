"""ZFNet (Zeiler & Fergus 2013, arXiv:1311.2901, Figure 3): AlexNet after looking inside it.

Smaller and denser filters in front keep what AlexNet's 11 x 11 at stride 4 lost (Section 4.1).
"""

from torch import nn

from striate.layers.normalization import LocalResponseNorm
from striate.models.stages import Stages, grid_of, rectified

HIDDEN = 4096


def zfnet(*, classes: int = 1000, channels: int = 3, image_size: int = 224) -> Stages:
    """Figure 3 at 224 pixels: 110, pooled to 55, 26, pooled to 13, 13, 13, 13, pooled to 6."""
    # The first two poolings count a last, incomplete window, or 110 would not give 55 nor 26, 13.
    layers: dict[str, nn.Module] = {
        "conv1": rectified(nn.Conv2d(channels, 96, 7, stride=2, padding=1)),
        "pool1": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        "norm1": LocalResponseNorm(),
        "conv2": rectified(nn.Conv2d(96, 256, 5, stride=2)),
        "pool2": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        "norm2": LocalResponseNorm(),
        "conv3": rectified(nn.Conv2d(256, 384, 3, padding=1)),
        "conv4": rectified(nn.Conv2d(384, 384, 3, padding=1)),
        "conv5": rectified(nn.Conv2d(384, 256, 3, padding=1)),
        "pool5": nn.MaxPool2d(3, stride=2),
    }
    rows, columns = grid_of(layers, image_size)
    layers |= {
        "flatten": nn.Flatten(),
        "fc6": nn.Sequential(*rectified(nn.Linear(256 * rows * columns, HIDDEN)), nn.Dropout()),
        "fc7": nn.Sequential(*rectified(nn.Linear(HIDDEN, HIDDEN)), nn.Dropout()),
        "fc8": nn.Linear(HIDDEN, classes),
    }
    model = Stages(layers, channels=channels)
    for layer in model.modules():  # Section 3: 10^-2 for weights, 0 for biases
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return model
