"""Every network of the lectures in one table: how it is built, for what, and what it reached."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from striate.models.efficientnet import efficientnet_lite
from striate.models.lenet import lenet5
from striate.models.resnet import cifar_resnet, imagenet_resnet
from striate.models.weights import IMAGENET, MNIST, TENSORFLOW_LITE, Normalization


@dataclass(frozen=True)
class Entry:
    """A network in one line.

    image_size, channels and classes are the published ones; result is what the paper reports, or
    the publisher of the weights; weights are the names `create(weights=...)` takes beside a path,
    and normalization is what they expect of a pixel.
    """

    build: Callable[..., nn.Module]
    year: int
    channels: int
    image_size: int
    classes: int
    paper: str
    result: str
    normalization: Normalization = IMAGENET
    weights: tuple[str, ...] = ()


LENET = "LeCun et al. 1998, Proc. IEEE 86(11)"
RESNET = "He et al. 2016, arXiv:1512.03385"
LITE = "Tan & Le 2019, arXiv:1905.11946, Lite form"
HERE = ("imagenet",)

# fmt: off
NETWORKS: dict[str, Entry] = {
    "lenet5": Entry(lenet5, 1998, 1, 28, 10, LENET, "MNIST error 0.95 % (original form)", MNIST),

    **{f"resnet{depth}": Entry(
        partial(imagenet_resnet, depth), 2015, 3, 224, 1000, RESNET, f"ImageNet {result}",
        weights=HERE)
       for depth, result in (
           (18, "top-1 69.8 %"), (34, "top-1 73.3 %"), (50, "top-5 93.3 %"),
           (101, "top-5 94.0 %"), (152, "top-5 94.3 %"))},

    **{f"resnet{depth}": Entry(
        partial(cifar_resnet, depth), 2015, 3, 32, 10, RESNET, f"CIFAR-10 error {error} %")
       for depth, error in ((20, 8.75), (32, 7.51), (44, 7.17), (56, 6.97), (110, 6.43))},

    **{f"efficientnet_lite{scale}": Entry(
        partial(efficientnet_lite, scale), 2020, 3, size, 1000, LITE, f"ImageNet top-1 {top1} %",
        TENSORFLOW_LITE, HERE if scale == 0 else ())
       for scale, size, top1 in ((0, 224, 75.1), (1, 240, 76.7), (2, 260, 77.6))},
}
# fmt: on
