"""A detecting network learned by gradient steps, from a set to a predictor."""

from typing import Any

import psutil
import torch
from torch import nn

from striate.data import Dataset, bits_of
from striate.data.boxes import Boxes
from striate.data.splits import TRAIN
from striate.errors import ModelError
from striate.inference import fastest_device
from striate.models.skeletons import skeleton
from striate.progress import Clock
from striate.tasks.backbones import fill, normalization_for, trained_weights
from striate.tasks.contract import Ask, Learned
from striate.tasks.detection.networks import NetworkPredictor
from striate.tasks.detection.problem import DetectionProblem
from striate.tasks.detection.scaling import Scaling
from striate.training import Recipe, fit
from striate.training.modes import seeded

METRICS = ("map50", "ap50")  # of `validation_metrics`


def learned_by_steps(
    kind: type[NetworkPredictor],
    architecture: dict[str, Any],
    data: Dataset[Boxes],
    ask: Ask,
    *,
    recipe: Recipe,
    side: int,
    shown: int,
    stretched: bool = False,
    notes: tuple[str, ...] = (),
) -> Learned:
    """A network of this kind, learned from a set.

    Args:
        architecture: what `kind.network` takes; its "backbone" gets the weights that are asked for.
        recipe: used where the person gives none; its epochs are of at least `shown` pictures.
        side: of the pictures, in pixels, as `Scaling` has it.
        shown: training pictures between two evaluations, at least: a small set is shown several
            times.

    Raises:
        ModelError: if memory has no room for the network and what it learns with.
    """
    clock, backbone = Clock(), architecture["backbone"]
    every = max(1, round(shown / int((data.split == TRAIN).sum())))
    recipe = ask.recipe or recipe.longer(every)
    with skeleton():  # the size first, memory later
        see_room(kind.network(architecture, len(data.classes)), ask.adjusted(recipe))
    with seeded(ask.seed):
        model = kind.network(architecture, len(data.classes))
        if trained_weights(backbone, ask.weights) is None:
            model.get_submodule("backbone").requires_grad_(True)  # nothing is learned yet to keep
            recipe = recipe.but(freeze_statistics=False, kept_rate=1.0)
        else:
            fill(model, backbone, ask.weights)
    recipe = ask.adjusted(recipe)
    normalization = normalization_for(backbone, ask.weights)
    scaling = Scaling(side, normalization, stretched, bits_of(data.inputs))
    problem = DetectionProblem(scaling, every=every)
    with clock.stage("decode"):
        scaled = problem.prepare(data)
    with clock.stage("learn"):
        model.to(fastest_device())
        run = fit(
            model, problem, scaled, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    predictor = kind(model.cpu(), architecture, problem.scaling, len(data.classes))
    predictor.to(str(fastest_device()))
    metrics = {name: run.best[name] for name in run.best if name.partition(" ")[0] in METRICS}
    return Learned(
        predictor,
        metrics,
        clock.seconds,
        network=backbone,
        history=run.history,
        recipe=recipe.to_json(),
        notes=notes,
    )


def see_room(model: nn.Module, recipe: Recipe) -> None:
    """Sees before a network is built that it can learn here: weights, gradients, the optimizer's
    averages and the best weights so far.

    Raises:
        ModelError: if memory has less room.
    """
    device = fastest_device()
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = psutil.virtual_memory().available
    count = sum(parameter.numel() for parameter in model.parameters())
    times = {"adamw": 5, "adadelta": 5, "sgd": 4}[recipe.optimizer]
    if (needed := 4 * times * count) > free:  # float32
        raise ModelError(
            f"{count / 1e6:,.0f} million parameters take {needed / 1e9:.1f} GB to learn, and "
            f"memory has {free / 1e9:.1f} GB left; name a smaller network"
        )
