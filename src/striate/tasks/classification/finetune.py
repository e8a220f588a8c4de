"""The pretrained network, its new classifier solved first, then its upper layers in small steps."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn

from striate.data import Decoded
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.models.surgery import Before
from striate.progress import Clock
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.heads import solve
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures.beginning import balance_of
from striate.tasks.pictures.features import view
from striate.tasks.pictures.finetuning import Head, into_classifier, started_above, tuned
from striate.tasks.pictures.problem import importance
from striate.tasks.pictures.starting import PRETRAINED, Start, weights_of


def learn(data: Decoded, ask: Ask) -> Learned:
    """Classifier solved on deep features, then the upper layers learned at the recipe's rates."""
    shape = view(data.dataset, ask.network, ask.weights)
    made = tuned_from(data, ask, partial(started_above, size=shape.size), shape)
    return finished(made, data)


def tuned_from(
    data: Decoded,
    ask: Ask,
    start: Callable[[str, str | Path, int], Start],
    shape: View,
    *,
    reads: Callable[[nn.Module], nn.Module] = Before,
    put: Callable[[Head, nn.Module], None] = into_classifier,
) -> Made:
    """The same from any form of a pretrained network.

    Args:
        start: from its name, its weights and the number of classes.
        shape: what it reads of a picture.
        reads, put: as `tuned` takes them.
    """
    clock = Clock()
    dataset = data.dataset
    name = ask.network or PRETRAINED
    weights = weights_of(name, ask.weights)
    with clock.stage("frozen layers"):
        begun = start(name, weights, len(dataset.classes))
        preprocessing = Preprocessing(shape, begun.normalization)
        model = begun.model.to(fastest_device())
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
        reads=reads,
        put=put,
    )
    return Made(
        Network(
            model=model.eval(),
            architecture=begun.architecture,
            preprocessing=preprocessing,
            classes=len(dataset.classes),
        ),
        recipe={**found.recipe, "weights": str(weights)},
        seconds=clock.seconds,
        network=name,
        history=found.history,
        notes=(found.note,),
        features=found.features,
    )
