"""A segmenting network learned by gradient steps, from a set to a predictor."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from striate.data import VOID, Dataset, Masks
from striate.data.splits import TRAIN
from striate.inference import fastest_device
from striate.models import Normalization
from striate.models.networks import create
from striate.ops.memory import learning_layout
from striate.progress import Clock
from striate.tasks.backbones import fill, normalization_for, trained_weights
from striate.tasks.contract import Ask, Learned
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.pictures import Scaled, scale
from striate.tasks.segmentation.points import PointProblem, with_points
from striate.tasks.segmentation.problem import SegmentationProblem, balanced
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import Segmenter
from striate.training import Recipe, fit
from striate.training.modes import seeded

UPRIGHT = 0.1  # under it, pictures have no up, as those of a microscope
GRAY = Normalization((127.5,) * 3, (127.5,) * 3)  # while pixels are still to be measured


def learned_by_steps(
    architecture: dict[str, Any],
    data: Dataset[Masks],
    ask: Ask,
    *,
    recipe: Recipe,
    side: int | None,
    window: int,
    epoch: int,
    balance: float | None,
    points: bool = False,
    notes: tuple[str, ...] = (),
) -> Learned:
    """A network of this architecture, learned from a set.

    Args:
        architecture: as `networks.network` takes it; where it has a "backbone", that gets the
            weights that are asked for.
        recipe: used where the person gives none.
        side: of the pictures, in pixels, as `Reading` has it.
        window: as `SegmentationProblem` has it.
        epoch: pictures that an epoch shows at least; every training image is among them.
        balance: as `balanced` has it.
        points: whether a point for each class is all that is seen of a training mask.
    """
    clock = Clock()
    recipe = ask.recipe or recipe
    backbone = architecture.get("backbone")
    with seeded(ask.seed):
        model = network(architecture, len(data.classes))
        if backbone is None:
            normalization = GRAY
        else:
            if trained_weights(backbone, ask.weights) is None:
                recipe = recipe.but(freeze_statistics=False, kept_rate=1.0)
            else:
                fill(model, backbone, ask.weights)
                connections_convolved(model, backbone, ask)
            normalization = normalization_for(backbone, ask.weights)
    reading = Reading(side, normalization, evened=backbone is None)
    with clock.stage("decode"):
        scaled = scale(data, reading)
    if backbone is None:
        reading = replace(reading, normalization=measured(scaled))
        if ask.recipe is None and not upright(scaled):
            recipe = turned(recipe)
    recipe = ask.adjusted(recipe)
    rounds = max(1, round(epoch / int((scaled.dataset.split == TRAIN).sum())))
    kind = PointProblem if points else SegmentationProblem
    problem = kind(reading, window, rounds=rounds, weights=balanced(data, balance))
    if isinstance(problem, PointProblem):
        assert backbone is not None
        with clock.stage("points"):
            scaled, told = with_points(problem, scaled, backbone, ask, normalization)
        notes = (*notes, *told)
    with clock.stage("learn"):
        model.to(fastest_device())
        model.to(memory_format=learning_layout(model))  # type: ignore[call-overload]
        run = fit(
            model, problem, scaled, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    predictor = Segmenter(model.cpu(), architecture, problem.reading, len(data.classes))
    predictor.to(str(fastest_device()))
    return Learned(
        predictor,
        {name: run.best[name] for name in ("miou", "pixel_accuracy")},
        clock.seconds,
        network=backbone or architecture["network"],
        history=run.history,
        recipe=recipe.to_json(),
        notes=notes,
    )


def measured(data: Scaled) -> Normalization:
    """Mean and deviation of the training pixels."""
    pixels = [data.picture(row).numpy().reshape(1, -1, 1, 3) for row in data.rows(TRAIN).tolist()]
    return Normalization.measured(np.concatenate(pixels, 1))


def upright(data: Scaled) -> bool:
    """Whether training masks tell up from down: the upper halves of all together hold the classes
    in other shares than the lower halves, by more than UPRIGHT in sum (total variation)."""
    halves = np.zeros((2, VOID + 1))
    for row in data.rows(TRAIN).tolist():
        labels = data.map(row).numpy()
        middle = len(labels) // 2
        for half, part in enumerate((labels[:middle], labels[middle:])):
            halves[half] += np.bincount(part.ravel(), minlength=VOID + 1)
    shares = halves[:, :VOID] / np.maximum(halves[:, :VOID].sum(1, keepdims=True), 1)
    return bool(np.abs(shares[0] - shares[1]).sum() / 2 > UPRIGHT)


def turned(recipe: Recipe) -> Recipe:
    """The same with views turned by any angle."""
    geometry = replace(recipe.augmentation.geometry, rotation=180.0)
    return recipe.but(augmentation=replace(recipe.augmentation, geometry=geometry))


def connections_convolved(model: nn.Module, backbone: str, ask: Ask) -> None:
    """Gives an FCN's first two convolutions the weights of the full connections fc6 and fc7, where
    the file has them and they are of the same size (Long et al. 2015, Section 3.1)."""
    head = getattr(model, "head", None)
    convolutions = [layer for layer in head or () if isinstance(layer, nn.Conv2d)][:2]
    whole = create(backbone, weights=trained_weights(backbone, ask.weights)).state_dict()
    with torch.no_grad():
        for layer, name in zip(convolutions, ("fc6", "fc7"), strict=False):
            weight, bias = whole.get(f"{name}.0.weight"), whole.get(f"{name}.0.bias")
            if weight is None or bias is None or weight.numel() != layer.weight.numel():
                continue
            layer.weight.copy_(weight.view_as(layer.weight))
            assert layer.bias is not None
            layer.bias.copy_(bias)
