"""GoogLeNet (Szegedy et al. 2015, arXiv:1409.4842): filters of several sizes side by side.

Table 1 as it stands, and the variant whose weights are published, which normalizes batches and has
a 3 x 3 where the paper has a 5 x 5.
"""

from functools import partial
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers.normalization import LocalResponseNorm
from striate.models.stages import Stages, grid_of
from striate.ops.sizes import output_size


class Widths(NamedTuple):
    """A row of Table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int


TABLE = {
    "inception3a": Widths(64, 96, 128, 16, 32, 32),
    "inception3b": Widths(128, 128, 192, 32, 96, 64),
    "inception4a": Widths(192, 96, 208, 16, 48, 64),
    "inception4b": Widths(160, 112, 224, 24, 64, 64),
    "inception4c": Widths(128, 128, 256, 24, 64, 64),
    "inception4d": Widths(112, 144, 288, 32, 64, 64),
    "inception4e": Widths(256, 160, 320, 32, 128, 128),
    "inception5a": Widths(256, 160, 320, 32, 128, 128),
    "inception5b": Widths(384, 192, 384, 48, 128, 128),
}
POOLED_AFTER = {"inception3b": "pool3", "inception4e": "pool4"}
AUXILIARY = {"inception4a": "auxiliary1", "inception4d": "auxiliary2"}  # Section 5
AUXILIARY_WEIGHT = 0.3  # of each auxiliary loss in the sum (Section 5)


def convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, *, batch_norm: bool
) -> nn.Sequential:
    """A rectified convolution that keeps the size but for its stride."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=not batch_norm)
    norm = [nn.BatchNorm2d(outputs, eps=1e-3)] if batch_norm else []
    return nn.Sequential(conv, *norm, nn.ReLU(inplace=True))


class Inception(nn.Module):
    """Figure 2(b): 1 x 1, 3 x 3, 5 x 5 and pooling side by side, behind 1 x 1 that narrow."""

    def __init__(self, inputs: int, widths: Widths, *, batch_norm: bool):
        super().__init__()
        conv = partial(convolution, batch_norm=batch_norm)
        five = 3 if batch_norm else 5  # the published weights' 3 x 3
        self.one = conv(inputs, widths.one, 1)
        self.three = nn.Sequential(
            conv(inputs, widths.three_reduce, 1), conv(widths.three_reduce, widths.three, 3)
        )
        self.five = nn.Sequential(
            conv(inputs, widths.five_reduce, 1), conv(widths.five_reduce, widths.five, five)
        )
        self.pool = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, widths.pool, 1)
        )
        self.outputs = widths.one + widths.three + widths.five + widths.pool

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


class NaiveInception(nn.Module):
    """Figure 2(a): without the 1 x 1 that narrow, so that every module is wider than the last."""

    def __init__(self, inputs: int, widths: Widths, *, batch_norm: bool):
        super().__init__()
        self.one = convolution(inputs, widths.one, 1, batch_norm=batch_norm)
        self.three = convolution(inputs, widths.three, 3, batch_norm=batch_norm)
        self.five = convolution(inputs, widths.five, 5, batch_norm=batch_norm)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.outputs = widths.one + widths.three + widths.five + inputs

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


class GoogLeNet(Stages):
    """Stages to the logits, and two auxiliary classifiers that read inception4a and inception4d."""

    def __init__(
        self, stages: dict[str, nn.Module], *, channels: int, auxiliary: dict[str, nn.Module]
    ):
        super().__init__(stages, channels=channels)
        for name, head in auxiliary.items():
            self.add_module(name, head)

    def classifiers(self, images: Tensor) -> dict[str, Tensor]:
        """All logits (N, classes): `logits`, `auxiliary1`, `auxiliary2`; in use only the first.

        An auxiliary classifier is not among them if its stage was taken out, or if the network was
        built for images too small for it.
        """
        features = self.features(images)
        name, classifier = list(self.stages())[-1]
        last = features[next(reversed(features))]
        logits = {"logits": self._run(name, classifier, last, images)}
        for stage, beside in AUXILIARY.items():
            if stage in features and beside in self._modules:
                logits[beside] = self._auxiliary(beside, features[stage], images)
        return logits

    def _auxiliary(self, name: str, x: Tensor, images: Tensor) -> Tensor:
        head = cast(nn.Sequential, self._modules[name])
        flat = head[:3](x)  # pooled, narrowed, flattened
        reads = cast(nn.Linear, head[3]).in_features
        if flat.shape[1] != reads:
            raise ModelError(
                f"{name} reads {reads} numbers, and images of {images.shape[2]} x "
                f"{images.shape[3]} give {flat.shape[1]}; build the network with "
                f"image_size={images.shape[3]}"
            )
        return head[3:](flat)

    def losses(
        self, images: Tensor, targets: Tensor, *, label_smoothing: float = 0.0
    ) -> dict[str, Tensor]:
        """The cross-entropy of the logits, and 0.3 of that of each auxiliary classifier."""
        logits = self.classifiers(images)
        losses = {
            name: F.cross_entropy(each, targets, label_smoothing=label_smoothing)
            for name, each in logits.items()
        }
        return {"cross_entropy": losses.pop("logits")} | {
            name: AUXILIARY_WEIGHT * loss for name, loss in losses.items()
        }


def googlenet(
    *,
    classes: int = 1000,
    channels: int = 3,
    image_size: int = 224,
    batch_norm: bool = False,
    naive: bool = False,
) -> GoogLeNet:
    """Table 1, for images of any size; at 224 the stages give 112, 56, 28, 14 and 7 pixels.

    Args:
        classes: how many.
        channels: of an image.
        image_size: height and width of the images it learns from, for which its auxiliary
            classifiers are built; where these would read less than 5 x 5 places it has none.
        batch_norm: the published variant: batch normalization for local response normalization and
            biases, 3 x 3 for 5 x 5, a last pooling of 2 x 2, and auxiliary classifiers that
            average any map to 4 x 4.
        naive: modules of Figure 2(a).
    """
    conv = partial(convolution, batch_norm=batch_norm)
    module = NaiveInception if naive else Inception
    pool = partial(nn.MaxPool2d, 3, stride=2, ceil_mode=True)
    stages: dict[str, nn.Module] = {"conv1": conv(channels, 64, 7, 2), "pool1": pool()}
    if not batch_norm:
        stages["norm1"] = LocalResponseNorm(5, alpha=1e-4, k=1)  # the paper gives no numbers
    stages |= {"conv2_reduce": conv(64, 64, 1), "conv2": conv(64, 192, 3)}
    if not batch_norm:
        stages["norm2"] = LocalResponseNorm(5, alpha=1e-4, k=1)
    stages["pool2"] = pool()
    auxiliary: dict[str, nn.Module] = {}
    inputs = 192
    for name, widths in TABLE.items():
        inception = module(inputs, widths, batch_norm=batch_norm)
        stages[name] = inception
        inputs = inception.outputs
        if name in AUXILIARY:
            head = auxiliary_head(
                inputs, classes, grid_of(stages, image_size)[0], batch_norm=batch_norm
            )
            if head is not None:
                auxiliary[AUXILIARY[name]] = head
        if name in POOLED_AFTER:
            last = batch_norm and name == "inception4e"
            stages[POOLED_AFTER[name]] = (
                nn.MaxPool2d(2, stride=2, ceil_mode=True) if last else pool()
            )
    stages["pooled"] = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2 if batch_norm else 0.4)
    )
    stages["fc"] = nn.Linear(inputs, classes)
    model = GoogLeNet(stages, channels=channels, auxiliary=auxiliary)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def auxiliary_head(
    inputs: int, classes: int, side: int, *, batch_norm: bool
) -> nn.Sequential | None:
    """Section 5: average pooling of 5 x 5 at stride 3 (4 x 4 places of 14 x 14), 128 filters of
    1 x 1, 1024 units, 70 % dropout, the classifier; None for maps of less than 5 x 5."""
    pool: nn.Module
    if batch_norm:
        pool, places = nn.AdaptiveAvgPool2d(4), 4
    elif side < 5:
        return None
    else:
        pool, places = nn.AvgPool2d(5, stride=3), output_size(side, 5, stride=3)
    return nn.Sequential(
        pool,
        convolution(inputs, 128, 1, batch_norm=batch_norm),
        nn.Flatten(),
        nn.Linear(128 * places * places, 1024),
        nn.ReLU(inplace=True),
        nn.Dropout(0.7),
        nn.Linear(1024, classes),
    )
