"""Heat maps learned by gradient steps, from a set to a predictor."""

from typing import Any, cast

import numpy as np
from torch import nn

from striate.augment import Augmentation, Spread
from striate.data import Dataset, Decoded, Points
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import Preprocessing, fastest_device
from striate.models import Normalization
from striate.models.heat_maps import HeatMaps
from striate.ops.memory import channels_last
from striate.ops.windows import MARGIN
from striate.progress import Clock
from striate.tasks.backbones import fill, normalization_for, trained_weights
from striate.tasks.contract import Ask, Learned
from striate.tasks.keypoints.canvas import onto, view_of
from striate.tasks.keypoints.finder import Finder
from striate.tasks.keypoints.networks import network
from striate.tasks.keypoints.problem import Placed, PointProblem, answers, errors, measured
from striate.tasks.keypoints.shapes import learn_shapes
from striate.tasks.keypoints.sureness import Sureness
from striate.training import Recipe, fit
from striate.training.modes import seeded

NETWORK = "efficientnet_lite0"
VIEWS = Augmentation(
    Spread(mirror=0.5, rotation=20, zoom=0.25, stretch=0.1, shift=0.05),
    brightness=0.25,
    contrast=0.25,
    saturation=0.25,
)
SCRATCH = Recipe(
    epochs=20,
    batch_size=8,
    learning_rate=2e-3,
    optimizer="adamw",
    weight_decay=1e-2,
    warmup=0.05,
    clip=5.0,
    average=0.98,
    augmentation=VIEWS,
)
FINETUNE = Recipe(
    epochs=16,
    batch_size=8,
    learning_rate=2e-3,
    optimizer="adamw",
    weight_decay=1e-2,
    warmup=0.05,
    kept_rate=0.2,
    clip=5.0,
    average=0.98,
    augmentation=VIEWS,
)
RIGHT = 0.2  # of the length: what a point's probability is about
ONCE = {"scratch": 128, "finetune": 192}  # pixels of a side that are read, by one that looks once
TWICE = 256  # and by one that looks twice; each look has half as many
SIGMA = 3 / 128  # of the side of a look: the deviation of the Gaussian about a point
SMALL = 0.75  # of the picture: where the window about most things is smaller, one looks twice
EPOCH = 200  # pictures that an epoch shows at least


def learn_scratch(data: Decoded, ask: Ask) -> Learned:
    """A U-Net from random weights."""
    architecture = {"network": "unet", "stride": 2, "twice": looks_twice(data.dataset)}
    return learned_by_steps(
        architecture, data, ask, SCRATCH, size=side_of("scratch", data.dataset), sigma=SIGMA
    )


def learn_finetuned(data: Decoded, ask: Ask) -> Learned:
    """Deconvolutions on a pretrained backbone."""
    architecture = {
        "network": "deconvolved", "backbone": ask.network or NETWORK, "width": 96, "across": True,
        "frozen": True, "twice": looks_twice(data.dataset),
    }  # fmt: skip
    return learned_by_steps(
        architecture, data, ask, FINETUNE, size=side_of("finetune", data.dataset), sigma=SIGMA
    )


def looks_twice(dataset: Dataset[Points]) -> bool:
    """Whether most things that are learned from fill so little of their pictures that a second
    look, at them alone, sees more."""
    targets = dataset.targets
    rows = np.flatnonzero((dataset.split == TRAIN) & targets.marked.any(1))
    if not len(rows):
        return False
    places = onto(targets.places[rows].astype(np.float64), targets.sizes[rows], TWICE)
    high, low = np.nanmax(places, 1), np.nanmin(places, 1)
    sides = MARGIN * (high - low).max(1)
    return bool(np.median(sides) < SMALL * TWICE)


def side_of(method: str, dataset: Dataset[Points]) -> int:
    """Pixels of a side that a network reads."""
    return TWICE if looks_twice(dataset) else ONCE[method]


def learned_by_steps(
    architecture: dict[str, Any],
    data: Decoded,
    ask: Ask,
    recipe: Recipe,
    *,
    size: int,
    sigma: float,
    epoch: int = EPOCH,
) -> Learned:
    """A network of this architecture, learned from a set.

    Args:
        architecture: as `networks.network` takes it; where it has a "backbone", that gets the
            weights that are asked for.
        recipe: used where the person gives none.
        size: of the pictures that it reads, a side.
        sigma: deviation of the Gaussian about a point, as a share of the side of a look.
        epoch: pictures that an epoch shows at least; every training picture is among them.
    """
    clock = Clock()
    targets = data.dataset.targets
    parts, swaps = len(targets.names), targets.swaps
    architecture = {**architecture, "swaps": None if swaps is None else list(swaps)}
    recipe, backbone, view = (
        ask.recipe or recipe,
        architecture.get("backbone"),
        view_of(size),
    )
    if swaps is None:
        recipe = without_mirror(recipe)
    pixels = data.pixels[view]
    if backbone is not None and trained_weights(backbone, ask.weights) is None:
        architecture["frozen"] = False
    with seeded(ask.seed):
        model = network(architecture, parts)
        if backbone is None:
            normalization = Normalization.measured(pixels[data.dataset.split == TRAIN])
        else:
            normalization = normalization_for(backbone, ask.weights)
            if trained_weights(backbone, ask.weights) is None:
                recipe = recipe.but(kept_rate=1.0)
            else:
                fill(model, backbone, ask.weights)
    recipe = ask.adjusted(recipe)
    preprocessing = Preprocessing(view, normalization)
    placed = Placed.of(data, preprocessing)
    rounds = max(1, round(epoch / len(placed.rows(TRAIN))))
    twice = bool(architecture.get("twice"))
    look = size // 2 if twice else size
    problem = PointProblem(preprocessing, sigma=sigma * look, rounds=rounds, twice=twice)
    with clock.stage("learn"):
        channels_last(model).to(fastest_device())
        run = fit(
            model, problem, placed, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    with clock.stage("shapes"):
        note = learn_shapes(cast(HeatMaps, model), preprocessing, placed, ask.seed)
    made = finished(model, architecture, preprocessing, placed, clock)
    return Learned(
        made[0],
        made[1],
        clock.seconds,
        network=backbone or architecture["network"],
        history=run.history,
        recipe=recipe.to_json(),
        notes=(note,),
    )


def without_mirror(recipe: Recipe) -> Recipe:
    """The recipe without mirrored views: nobody knows what they would exchange."""
    return recipe.set("mirror=0")


def finished(
    model: nn.Module,
    architecture: dict[str, Any],
    preprocessing: Preprocessing,
    placed: Placed,
    clock: Clock,
) -> tuple[Finder, dict[str, float]]:
    """The predictor, its probabilities learned on validation pictures, and its metrics there."""
    targets, rows = placed.dataset.targets, placed.rows(VALIDATION)
    with clock.stage("validate"):
        found = answers(model, preprocessing, placed.pixels, rows)
        wrong = errors(found, placed.dataset, rows, preprocessing.view.size)
    known = np.isfinite(wrong)
    sureness = Sureness.learned(found[..., 2][known], wrong[known] <= RIGHT)
    finder = Finder(
        model.cpu(), architecture, preprocessing, len(targets.names), targets.lines, sureness
    )
    finder.to(str(fastest_device()))
    return finder, measured(wrong)
