"""Every network of the lectures in one table: how it is built, for what, and what it reached."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models.airbench import airbench
from striate.models.alexnet import alexnet, alexnet_single
from striate.models.efficientnet import efficientnet_lite
from striate.models.googlenet import googlenet
from striate.models.lenet import codes, lenet5, lenet5_1998, paper_and_ink
from striate.models.overfeat import overfeat_accurate, overfeat_fast
from striate.models.published import (
    IMAGENET,
    LECUN,
    MNIST,
    PUBLISHED,
    TENSORFLOW,
    TENSORFLOW_LITE,
    Normalization,
)
from striate.models.resnet import cifar_resnet, imagenet_resnet
from striate.models.stages import Stages
from striate.models.surgery import replace_head
from striate.models.vgg import vgg
from striate.models.weights import load_with_head
from striate.models.yolo_classifier import FAST, yolo_classifier
from striate.models.zfnet import zfnet


def as_measured(measured: Normalization) -> Normalization:
    """Mean 0 and deviation 1 over the training pixels."""
    return measured


def centered(measured: Normalization) -> Normalization:
    """The mean color taken away and nothing divided: what first weights of 0.01 are meant for."""
    return Normalization(measured.mean, (1.0,) * len(measured.mean))


def no_choices(names: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """For networks that are built alike whatever the classes are called."""
    return {}, ()


@dataclass(frozen=True)
class Entry:
    """A network in one line.

    Attributes:
        image_size, channels, classes: the published ones.
        result: what the paper reports, or the publisher of the weights.
        normalization: what the published weights expect of a pixel.
        weights: the names `create(weights=...)` takes beside a path.
        learned: what a network that starts from random weights expects of a pixel, from the mean
            and deviation of the training pixels.
        choices: options that follow from the names of the classes, and notes for the person.
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
    learned: Callable[[Normalization], Normalization] = as_measured
    choices: Callable[[Sequence[str]], tuple[dict[str, Any], tuple[str, ...]]] = no_choices


LENET = "LeCun et al. 1998, Proc. IEEE 86(11)"
ALEXNET = "Krizhevsky et al. 2012, NIPS 25"
SINGLE = "Krizhevsky 2014, arXiv:1404.5997"
ZFNET = "Zeiler & Fergus 2013, arXiv:1311.2901"
OVERFEAT = "Sermanet et al. 2014, arXiv:1312.6229"
VGG = "Simonyan & Zisserman 2015, arXiv:1409.1556"
GOOGLENET = "Szegedy et al. 2015, arXiv:1409.4842"
RESNET = "He et al. 2016, arXiv:1512.03385"
AIRBENCH = "Jordan 2024, arXiv:2404.00498"
YOLO = "Redmon et al. 2016, arXiv:1506.02640"
LITE = "Tan & Le 2019, arXiv:1905.11946, Lite form"
HERE = ("imagenet",)

# fmt: off
NETWORKS: dict[str, Entry] = {
    "lenet5": Entry(lenet5, 1998, 1, 28, 10, LENET, "MNIST error 0.95 % (original form)", MNIST),
    "lenet5_1998": Entry(
        lenet5_1998, 1998, 1, 28, 10, LENET, "MNIST error 0.95 %, with distortions 0.8 %", LECUN,
        learned=paper_and_ink, choices=codes),
    "alexnet": Entry(
        alexnet, 2012, 3, 227, 1000, ALEXNET, "ImageNet top-5 error 18.2 %, five nets 16.4 %",
        learned=centered),
    "alexnet_single": Entry(
        alexnet_single, 2014, 3, 224, 1000, SINGLE, "ImageNet top-1 56.5 %", weights=HERE),
    "zfnet": Entry(
        zfnet, 2013, 3, 224, 1000, ZFNET, "ImageNet top-5 error 16.5 %", learned=centered),
    "overfeat_fast": Entry(
        overfeat_fast, 2013, 3, 231, 1000, OVERFEAT, "ImageNet top-5 error 16.39 %",
        learned=centered),
    "overfeat_accurate": Entry(
        overfeat_accurate, 2013, 3, 221, 1000, OVERFEAT, "ImageNet top-5 error 14.18 %",
        learned=centered),

    **{name: Entry(
        partial(vgg, column), 2014, 3, 224, 1000, VGG, f"ImageNet top-5 error {error} %",
        weights=HERE if published else ())
       for name, column, error, published in (
           ("vgg11", "A", 10.4, True), ("vgg11_lrn", "A-LRN", 10.5, False),
           ("vgg13", "B", 9.9, True),
           ("vgg16_c", "C", 9.4, False), ("vgg16", "D", 8.8, True), ("vgg19", "E", 9.0, True))},
    **{name: Entry(
        partial(vgg, column, batch_norm=True), 2015, 3, 224, 1000, VGG, f"ImageNet top-1 {top1} %",
        weights=HERE)
       for name, column, top1 in (
           ("vgg11_bn", "A", 70.4), ("vgg13_bn", "B", 71.6), ("vgg16_bn", "D", 73.4),
           ("vgg19_bn", "E", 74.2))},

    "googlenet": Entry(
        googlenet, 2014, 3, 224, 1000, GOOGLENET, "ImageNet top-5 error 10.07 %, 7 nets 6.67 %"),
    "googlenet_bn": Entry(
        partial(googlenet, batch_norm=True), 2015, 3, 224, 1000, GOOGLENET, "ImageNet top-1 69.8 %",
        TENSORFLOW, HERE),

    **{f"resnet{depth}": Entry(
        partial(imagenet_resnet, depth), 2015, 3, 224, 1000, RESNET, f"ImageNet {result}",
        weights=HERE)
       for depth, result in (
           (18, "top-1 69.8 %"), (34, "top-1 73.3 %"), (50, "top-5 93.3 %"),
           (101, "top-5 94.0 %"), (152, "top-5 94.3 %"))},

    **{f"resnet{depth}": Entry(
        partial(cifar_resnet, depth), 2015, 3, 32, 10, RESNET, f"CIFAR-10 error {error} %",
        weights=() if depth == 110 else ("cifar10",))
       for depth, error in ((20, 8.75), (32, 7.51), (44, 7.17), (56, 6.97), (110, 6.43))},

    "yolo": Entry(
        yolo_classifier, 2016, 3, 224, 1000, YOLO,
        "ImageNet top-5 error 12 %; as a detector (272 M) VOC mAP 63.4 %"),
    "fast_yolo": Entry(
        partial(yolo_classifier, FAST), 2016, 3, 224, 1000, YOLO,
        "as a detector (45.1 M) VOC mAP 52.7 %"),

    "airbench": Entry(airbench, 2024, 3, 32, 10, AIRBENCH, "CIFAR-10 error 6.0 % in 10 epochs"),

    **{f"efficientnet_lite{scale}": Entry(
        partial(efficientnet_lite, scale), 2020, 3, size, 1000, LITE, f"ImageNet top-1 {top1} %",
        TENSORFLOW_LITE, HERE if scale < 2 else ())
       for scale, size, top1 in ((0, 224, 75.1), (1, 240, 76.7), (2, 260, 77.6))},
}
# fmt: on


def entry(name: str) -> Entry:
    """What is known of the network called `name`.

    Raises:
        UnknownName: with the closest names.
    """
    if name not in NETWORKS:
        raise UnknownName("network", name, NETWORKS)
    return NETWORKS[name]


def source_of(name: str, weights: str | Path) -> str | Path:
    """What `load_weights` takes: the full name of published weights, or the path."""
    if f"{name}.{weights}" in PUBLISHED:
        return f"{name}.{weights}"
    looks_like_a_path = len(Path(weights).parts) > 1 or Path(weights).suffix
    if not looks_like_a_path and not Path(weights).exists():
        raise UnknownName(
            f"set of weights for {name}", str(weights), [*entry(name).weights, "the path of a file"]
        )
    return weights


def options_of(known: Entry) -> set[str]:
    """What a network's builder takes beside classes and channels."""
    parameters = inspect.signature(known.build).parameters
    fixed = known.build.keywords if isinstance(known.build, partial) else {}
    return {
        name
        for name, parameter in parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in fixed
    } - {"classes", "channels"}


def sized(name: str, image_size: int) -> dict[str, Any]:
    """The option that builds a network for images of another size, where it has one."""
    known = entry(name)
    apart = image_size != known.image_size and "image_size" in options_of(known)
    return {"image_size": image_size} if apart else {}


def create(
    name: str,
    *,
    classes: int | None = None,
    channels: int | None = None,
    weights: str | Path | None = None,
    **options: object,
) -> nn.Module:
    """Builds a network of the lectures.

    Args:
        name: a key of `NETWORKS`.
        classes: the published number, or that of `weights`, where None. With weights of another
            number the classifier is a fresh one.
        channels: of an image; the published number where None.
        weights: a name in the network's entry ("imagenet"), or the path of a weight file.
        options: of this network alone, such as `image_size` or `shortcut`; see its file.

    Raises:
        UnknownName: if there is no such network, weights or option.
        ModelError: if it cannot be built so.
        WeightsError: if the file does not fit.
    """
    known = entry(name)
    choices = options_of(known)
    for option in options:
        if option not in choices:
            raise UnknownName(f"option of {name}", option, sorted(choices) or ["none"])
    channels = known.channels if channels is None else channels
    if (classes is not None and classes < 1) or channels < 1:
        raise ModelError(
            f"{name} needs at least one class and one channel, not {classes} and {channels}"
        )
    model = known.build(classes=classes or known.classes, channels=channels, **options)
    if isinstance(model, Stages):
        model.name = name
        size = options.get("image_size", known.image_size)
        model.image_size = size if isinstance(size, int) else None
    if weights is not None:
        trained = load_with_head(model, source_of(name, weights))
        if classes is not None and trained is not None and classes != trained:
            replace_head(model, classes)
    return model
