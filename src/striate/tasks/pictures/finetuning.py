"""The upper layers of a trained network, learned in small steps from a classifier that is solved.

Starting from the solved classifier, and not from random weights, keeps the first steps from undoing
what the network has learned; its batch-normalization statistics stay those of ImageNet. The lower
layers respond to edges and textures that all photographs share (Yosinski et al. 2014) and are
frozen: their maps of a few views of every image are computed once, and a step costs the upper
layers alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset, Decoded, native
from striate.errors import ModelError
from striate.inference.devices import device_of
from striate.models import Stages, above, classifier, cut, describe, folded
from striate.models.multilevel import Multilevel, balanced
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.progress import Clock
from striate.tasks.contract import Ask
from striate.tasks.pictures.beginning import epochs_for
from striate.tasks.pictures.problem import PictureProblem
from striate.tasks.pictures.starting import Start, maps_to_read, reading, started
from striate.tasks.pictures.upper_layers import UpperLayers
from striate.training import Recipe, fit, recipes
from striate.training.precision import precision_on

LEARNED = 0.4  # share of the network's multiply-adds that its upper layers may take
PARTS: tuple[Literal["train"], Literal["validation"]] = ("train", "validation")
VIEWS = 2  # of every image, the first as it is; four of them gain nothing on hundreds of images


class Head(Protocol):
    """A linear classifier on features."""

    def put_into(self, linear: nn.Linear) -> None:
        """Makes `linear` this classifier."""


Solve = Callable[[NDArray[np.float32], NDArray[np.float32]], Head]
"""From the features (N, D) of the training and (M, D) of the validation images to a classifier."""


@dataclass(frozen=True, eq=False)
class Tuned:
    """How the upper layers were learned.

    Attributes:
        recipe: as plain JSON values.
        features: (n, D) of the training and the validation images, as the classifier reads them.
        note: for people.
    """

    recipe: dict[str, Any]
    history: tuple[dict[str, float], ...]
    features: Mapping[str, Tensor]
    note: str


def recipe_for(dataset: Dataset[Any]) -> Recipe:
    """Fewer epochs for more images; gray pictures are not mirrored."""
    _, gray = native(dataset)
    epochs = epochs_for(len(dataset.train), views=3_000, low=2, high=8)
    recipe = recipes.FINETUNE.but(epochs=epochs)
    return recipe.but(augmentation=recipes.CHARACTERS) if gray else recipe


def last_frozen(model: Stages, image_size: int) -> str:
    """The lowest stage behind which at most LEARNED of the multiply-adds lie, and none of those
    that are read apart."""
    rows = describe(model, image_size).stages
    total, behind = sum(row.multiply_adds for row in rows), 0
    read = model.maps[0] if isinstance(model, Multilevel) and model.maps else None
    for row in reversed(rows):
        if behind + row.multiply_adds > LEARNED * total or row.name == read:
            return row.name
        behind += row.multiply_adds
    raise ModelError(f"{model.name} computes nothing that could be frozen")


def started_above(name: str, weights: str | Path, classes: int, *, size: int) -> Start:
    """A network with trained weights, whose classifier reads what it can of the maps that will be
    learned from, beside the means of the last one.

    Args:
        size: of its pictures.
    """
    start = started(name, weights, classes)
    maps = maps_to_read(name, start.model)
    if maps:
        assert isinstance(start.model, Stages)
        order = start.model.stage_names
        lowest = order.index(last_frozen(start.model, size))
        maps = tuple(each for each in maps if order.index(each) >= lowest)
    return reading(start, maps, classes)


def into_classifier(head: Head, upper: nn.Module) -> None:
    """Makes the last full connection this classifier."""
    head.put_into(classifier(upper)[1])


def tuned(
    model: nn.Module,
    of: PictureProblem,
    data: Decoded,
    ask: Ask,
    clock: Clock,
    solve: Solve,
    *,
    reads: Callable[[nn.Module], nn.Module] = Before,
    put: Callable[[Head, nn.Module], None] = into_classifier,
) -> Tuned:
    """Solves the classifier of a trained network, then learns it and what else lies above.

    Args:
        model: a network of ours; it is changed.
        of: the problem of the whole network.
        clock: has the seconds so far, and is told of every stage.
        reads: of the upper part, the form that gives what the classifier is solved on.
        put: gives the upper part the solved classifier.
    """
    assert isinstance(model, Stages)  # every network with a name is one
    recipe = ask.adjusted(ask.recipe or recipe_for(data.dataset))
    with clock.stage("frozen layers"):
        frozen = last_frozen(model, of.preprocessing.view.size)
        upper = above(model, frozen)
        problem = UpperLayers(
            of,
            cut(folded(model), frozen),
            views=min(VIEWS, recipe.epochs),
            augmentation=recipe.augmentation,
            seed=ask.seed,
        )
        problem.prepare(data)
    with clock.stage("classifier"):
        read = channels_last(reads(folded(upper)))
        train, held_out = (problem.outputs(read, part).flatten(1).numpy() for part in PARTS)
        if isinstance(upper, Multilevel):
            train, held_out = balanced(upper, train, held_out)
        put(solve(train, held_out), upper)
    left = None if ask.seconds is None else max(0.0, ask.seconds - sum(clock.seconds.values()))
    with clock.stage("train"):
        run = fit(
            upper, problem, data, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=left,
        )  # fmt: skip
    with clock.stage("features"):
        read = channels_last(reads(folded(upper)))
        features: dict[str, Tensor] = {p: problem.outputs(read, p).flatten(1) for p in PARTS}
    precision = precision_on(device_of(upper), recipe.precision)
    return Tuned(
        {**recipe.to_json(), "precision": precision, "frozen": frozen},
        run.history,
        features,
        f"{model.name}, what lies above {frozen}, {run.kept}",
    )
