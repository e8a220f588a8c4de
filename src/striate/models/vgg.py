"""VGG (Simonyan & Zisserman 2015, arXiv:1409.1556): depth out of nothing but small kernels.

The six columns of Table 1 and the classifier of Section 2.1. Layers are named by stage and place,
`conv1_1` to `conv5_4`; the full connections are fc6 to fc8 in every column, as in AlexNet.
"""

from torch import nn

from striate.layers.normalization import LocalResponseNorm
from striate.models.stages import Stages, grid_of, rectified


class Pointwise(int):
    """A width whose kernel is 1 x 1; every other width in the table means 3 x 3."""


P, LRN = Pointwise, "LRN"

# fmt: off
CONFIGURATIONS: dict[str, tuple[tuple[int | str, ...], ...]] = {  # Table 1: a max-pool ends a stage
    "A":     ((64,),     (128,),    (256, 256),           (512, 512),           (512, 512)),
    "A-LRN": ((64, LRN), (128,),    (256, 256),           (512, 512),           (512, 512)),
    "B":     ((64, 64), (128, 128), (256, 256),           (512, 512),           (512, 512)),
    "C":     ((64, 64), (128, 128), (256, 256, P(256)),   (512, 512, P(512)),   (512, 512, P(512))),
    "D":     ((64, 64), (128, 128), (256, 256, 256),      (512, 512, 512),      (512, 512, 512)),
    "E":     ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,) * 4),
}
# fmt: on
HIDDEN = 4096


def vgg(
    column: str,
    *,
    batch_norm: bool = False,
    classes: int = 1000,
    channels: int = 3,
    image_size: int = 224,
) -> Stages:
    """A column of Table 1, with batch normalization behind every convolution where asked.

    Images of other sizes than `image_size` are averaged to the grid that it gives (7 x 7 at 224);
    a smaller `image_size` makes fc6 smaller.
    """
    layers: dict[str, nn.Module] = {}
    width = channels
    for number, plan in enumerate(CONFIGURATIONS[column], 1):
        for place, planned in enumerate(plan, 1):
            if planned == LRN:
                layers[f"norm{number}"] = LocalResponseNorm()
                continue
            kernel = 1 if isinstance(planned, Pointwise) else 3
            conv = nn.Conv2d(width, int(planned), kernel, padding=kernel // 2)
            width = int(planned)
            norm = [nn.BatchNorm2d(width)] if batch_norm else []
            layers[f"conv{number}_{place}"] = nn.Sequential(conv, *norm, nn.ReLU(inplace=True))
        layers[f"pool{number}"] = nn.MaxPool2d(2)
    rows, columns = grid_of(layers, image_size)
    layers |= {
        "adapt": nn.AdaptiveAvgPool2d((rows, columns)),
        "flatten": nn.Flatten(),
        "fc6": nn.Sequential(*rectified(nn.Linear(width * rows * columns, HIDDEN)), nn.Dropout()),
        "fc7": nn.Sequential(*rectified(nn.Linear(HIDDEN, HIDDEN)), nn.Dropout()),
        "fc8": nn.Linear(HIDDEN, classes),
    }
    model = Stages(layers, channels=channels)
    # The paper started deep columns from a trained A, and found Glorot's initialization to do as
    # well; He's (2015) is the same idea for rectifiers.
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return model
