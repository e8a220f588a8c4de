"""WELDON (Durand, Thome & Cord 2016): the pretrained network made fully convolutional, its regions
scored one by one. Labels of whole pictures teach it, and it shows where in a picture each class is.

The paper trains all of VGG-16; here the lower layers are frozen and the upper ones fine-tuned, as
for the other methods. The scores of regions begin as a classifier solved on the means over all
regions, halved, because the strongest and the weakest are added.
"""

from typing import Any

import torch
from torch import nn

from striate.data import SMALL, Dataset, Decoded, native
from striate.errors import ModelError
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.models import Stages, create, entry, normalization_of
from striate.models.networks import source_of
from striate.models.published import locate
from striate.models.skeletons import skeleton
from striate.models.weldon import REGIONS, weldon
from striate.progress import Clock
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.heads import solve
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures import features
from striate.tasks.pictures.beginning import balance_of
from striate.tasks.pictures.building import WELDON
from striate.tasks.pictures.finetuning import Head, tuned
from striate.tasks.pictures.problem import importance
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
    clock = Clock()
    dataset = data.dataset
    name = ask.network or PRETRAINED
    weights = weights_of(name, ask.weights)
    with clock.stage("frozen layers"):
        start = started(name, weights, len(dataset.classes))
        preprocessing = Preprocessing(view(dataset, ask), start.normalization)
        model = start.model.to(fastest_device())
    targets = (dataset.train.targets.single(), dataset.validation.targets.single())
    counts = importance(dataset.train, balance_of(ask))
    found = tuned(
        model,
        ClassificationProblem(dataset.classes, preprocessing=preprocessing),
        data,
        ask,
        clock,
        lambda train, held_out: solve(
            train,
            targets[0],
            held_out,
            targets[1],
            classes=len(dataset.classes),
            importance=counts,
        ),
        reads=averaged,
        put=put,
    )
    made = Made(
        Network(
            model=model.eval(),
            architecture=start.architecture,
            preprocessing=preprocessing,
            classes=len(dataset.classes),
        ),
        recipe={**found.recipe, "weights": str(weights)},
        seconds=clock.seconds,
        network=name,
        history=found.history,
        notes=(found.note,),
    )
    return finished(made, data)


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
