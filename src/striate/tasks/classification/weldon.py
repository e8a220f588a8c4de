"""WELDON (Durand, Thome & Cord 2016): the pretrained network made fully convolutional, its regions
scored one by one. Labels of whole pictures teach it, and it shows where in a picture each class is.

The paper trains all of VGG-16; here the lower layers are frozen and the upper ones fine-tuned, as
for the other methods. The scores of regions begin as a classifier solved on the means over all
regions, halved, because the strongest and the weakest are added.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from striate.data import SMALL, Dataset, Decoded, native
from striate.errors import ModelError
from striate.images import View
from striate.models import Stages, create, entry, normalization_of
from striate.models.networks import source_of
from striate.models.published import locate
from striate.models.skeletons import skeleton
from striate.models.weldon import REGIONS, weldon
from striate.tasks.classification.finetune import tuned_from
from striate.tasks.classification.finishing import finished
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures import features
from striate.tasks.pictures.building import WELDON
from striate.tasks.pictures.finetuning import Head
from striate.tasks.pictures.starting import PRETRAINED, Start, weights_of

LARGER = 1.5  # times the side that the network was trained at, so that there are regions
STRONGEST, WEAKEST = 3, 3


def view(dataset: Dataset[Any], ask: Ask) -> View:
    """As transfer reads it, but larger where the pictures are."""
    usual = features.view(dataset, ask.network, ask.weights)
    if native(dataset)[0] <= SMALL:
        return usual
    side = int(LARGER * usual.size)
    return View(side, channels=usual.channels, fraction=1.0, bits=usual.bits)


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What it reads of each picture."""
    return (view(dataset, ask),)


def find(ask: Ask) -> None:
    """Sees before any work that the network can be made fully convolutional and has weights.

    Raises:
        MissingExtra, WeightsError, ModelError: if not.
    """
    name = ask.network or PRETRAINED
    locate(source_of(name, weights_of(name, ask.weights)))
    with skeleton():
        weldon(2, backbone=name, channels=entry(name).channels, hidden=False)


def learn(data: Decoded, ask: Ask) -> Learned:
    """Scores of regions solved, then learned with the upper layers through max + min pooling."""
    shape = view(data.dataset, ask)
    made = tuned_from(data, ask, started, shape, reads=averaged, put=put)
    return finished(replace(made, features={}), data)  # of regions; familiarity reads others


def put(head: Head, upper: nn.Module) -> None:
    """Gives the scores of regions a classifier that was solved on means over all regions."""
    scores = upper.get_submodule(f"{REGIONS}.scores")
    assert isinstance(scores, nn.Conv2d)
    assert scores.bias is not None
    linear = nn.Linear(scores.in_channels, scores.out_channels).to(scores.weight)
    head.put_into(linear)
    with torch.no_grad():
        scores.weight.copy_(linear.weight[:, :, None, None] / 2)
        scores.bias.copy_(linear.bias / 2)


def averaged(model: nn.Module) -> nn.Module:
    """A WELDON network, or the upper part of one, that gives the means over all regions of what it
    scores them by."""
    layers = dict(model.named_children())
    layers.pop(REGIONS)
    return nn.Sequential(*layers.values(), nn.AdaptiveAvgPool2d(1))


def started(name: str, weights: Any, classes: int) -> Start:
    """WELDON on a network with trained weights; its scores are still zero.

    Raises:
        WeightsError, ModelError: if they do not fit the network.
    """
    whole = create(name, weights=weights)
    if not isinstance(whole, Stages):
        raise ModelError(f"{name} is not a row of stages")
    options: dict[str, Any] = {
        "backbone": name, "channels": entry(name).channels, "hidden": False,
        "strongest": STRONGEST, "weakest": WEAKEST,
    }  # fmt: skip
    model = weldon(classes, **options)
    model.fill(whole)
    normalization = normalization_of(source_of(name, weights)) or entry(name).normalization
    return Start(model, {"name": WELDON, "options": options}, normalization)
