"""Networks with published weights, as recognizers of the classes that they were trained for."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from striate import models
from striate.images import View
from striate.inference import Preprocessing
from striate.models import NETWORKS, PUBLISHED, create, normalization_of
from striate.tasks.classification.network import Network
from striate.tasks.contract import Published

CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def published() -> dict[str, Callable[[], Published]]:
    """By the name of the network."""
    return {name: partial(recognizer, name) for name, one in NETWORKS.items() if one.weights}


def recognizer(name: str) -> Published:
    """The network with its published weights.

    Raises:
        MissingExtra, WeightsError: if they cannot be had.
    """
    entry = NETWORKS[name]
    weights = entry.weights[0]
    source = f"{name}.{weights}"
    names = classes_of(weights, PUBLISHED[source].classes)
    view = View(entry.image_size, channels=entry.channels)
    predictor = Network(
        model=create(name, weights=weights).eval(),
        architecture={"name": name, "options": {}},
        preprocessing=Preprocessing(view, normalization_of(source) or entry.normalization),
        classes=len(names),
    )
    return Published(predictor, names, {"network": name, "weights": source})


def classes_of(data: str, count: int) -> tuple[str, ...]:
    """The class names of a published set, in the order of its networks' outputs."""
    if data == "imagenet":
        names = (Path(models.__file__).parent / "imagenet.txt").read_text(encoding="utf-8")
        return tuple(names.splitlines())
    if data == "cifar10":
        return CIFAR10
    return tuple(str(number) for number in range(count))
