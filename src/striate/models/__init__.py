"""The networks of the lectures by name.

>>> model = create("lenet5", classes=10)
>>> sum(parameter.numel() for parameter in model.parameters())
61706
"""

import inspect
from pathlib import Path

from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models.networks import NETWORKS, Entry
from striate.models.stages import Stages
from striate.models.surgery import classifier, folded, replace_head
from striate.models.weights import PUBLISHED, Normalization, load_weights

__all__ = [
    "NETWORKS",
    "Entry",
    "Normalization",
    "Stages",
    "classifier",
    "create",
    "entry",
    "folded",
    "load_weights",
    "replace_head",
]


def entry(name: str) -> Entry:
    """What is known of the network called `name`.

    Raises:
        UnknownName: with the closest names.
    """
    if name not in NETWORKS:
        raise UnknownName("network", name, NETWORKS)
    return NETWORKS[name]


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
        classes: the published number where None. With `weights` of another number of classes the
            classifier is a fresh one.
        channels: of an image; the published number where None.
        weights: a name in the network's entry ("imagenet"), or the path of a weight file.
        options: of this network alone, such as `image_size` or `shortcut`; see its file.

    Raises:
        UnknownName: if there is no such network, weights or option.
        ModelError: if it cannot be built so.
        WeightsError: if the file does not fit.
    """
    known = entry(name)
    choices = set(inspect.signature(known.build).parameters) - {"classes", "channels"}
    for option in options:
        if option not in choices:
            raise UnknownName(f"option of {name}", option, sorted(choices) or ["none"])
    classes = known.classes if classes is None else classes
    channels = known.channels if channels is None else channels
    if classes < 1 or channels < 1:
        raise ModelError(
            f"{name} needs at least one class and one channel, not {classes} and {channels}"
        )
    model = known.build(
        classes=classes if weights is None else known.classes, channels=channels, **options
    )
    if isinstance(model, Stages):
        model.name = name
    if weights is None:
        return model
    load_weights(model, f"{name}.{weights}" if f"{name}.{weights}" in PUBLISHED else weights)
    return model if classes == known.classes else replace_head(model, classes)
