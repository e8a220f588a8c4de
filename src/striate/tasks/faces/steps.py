"""Methods that learn by steps: DeepFace from random weights, and a pretrained network tuned."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from striate.augment import Augmentation, Spread
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import fastest_device
from striate.models import Normalization, create
from striate.models.deepface import SIDE
from striate.progress import Clock
from striate.tasks.backbones import normalization_for, trained_weights
from striate.tasks.contract import Ask, Learned
from striate.tasks.faces.deep import DEEPFACE, Deep, Embedder, Reading
from striate.tasks.faces.heads import HEADS, Head, learn_heads
from striate.tasks.faces.learning import (
    NETWORK,
    cosine_metrics,
    learned,
    measured,
    similarities,
    whitened_metrics,
)
from striate.tasks.faces.prepared import Lined
from striate.tasks.faces.problem import FaceProblem, Identities, Loss
from striate.training import Recipe, fit
from striate.training.modes import seeded

ENOUGH = 20_000  # training faces from which on DeepFace keeps its published widths
FACTOR = 4  # that they are divided by for fewer
SCRATCH = 1000  # faces that an epoch shows at least

VIEWS = Augmentation(
    Spread(mirror=0.5, rotation=5, zoom=0.08, stretch=0.05), brightness=0.2, contrast=0.2
)
DEEPFACE_RECIPE = Recipe(
    epochs=6, batch_size=32, learning_rate=1e-3, optimizer="adamw", weight_decay=1e-2,
    warmup=0.05, clip=5.0, augmentation=VIEWS,
)  # fmt: skip
TUNED_RECIPE = Recipe(
    epochs=3, batch_size=48, learning_rate=5e-4, optimizer="adamw", weight_decay=1e-2,
    warmup=0.1, kept_rate=0.1, freeze_statistics=True, clip=5.0, keep_start=True,
    augmentation=VIEWS,
)  # fmt: skip


def learn_deepface(data: Lined, ask: Ask, *, heads: tuple[Head, ...] = HEADS) -> Learned:
    """DeepFace from random weights, softmax over the training persons.

    Args:
        heads: that verify on its F7; the best on validation pairs is kept.
    """
    train = data.dataset.split == TRAIN
    factor = 1 if train.sum() >= ENOUGH else FACTOR
    reading = Reading(DEEPFACE, size=SIDE, share=1.0, factor=factor)
    with seeded(ask.seed):
        model = Embedder(reading)
    deep = Deep(model, Normalization.measured(data.faces[train]))
    problem = problem_of(data, ask, deep, "softmax", DEEPFACE_RECIPE)
    notes = () if factor == 1 else (f"DeepFace, its widths divided by {factor}",)

    def solve() -> Learned:
        return learn_heads(data, deep, heads, seed=ask.seed)

    return by_steps(data, ask, problem, DEEPFACE_RECIPE, DEEPFACE, solve, notes=notes)


def learn_tuned(data: Lined, ask: Ask, *, loss: Loss = "margin") -> Learned:
    """The upper layers of a pretrained network and an embedding, tuned on the training persons.

    The embedding starts as what `transfer` solves: whitened components, chosen on validation.
    """
    name = ask.network or NETWORK
    clock = Clock()
    model = Embedder(Reading(name), create(name, weights=trained_weights(name, ask.weights)))
    model.freeze()
    deep = Deep(model, normalization_for(name, ask.weights))
    problem = problem_of(data, ask, deep, loss, TUNED_RECIPE)
    with clock.stage("frozen layers"):
        problem.prepare(data)
    with clock.stage("solve"):
        pairs = data.dataset.targets.pairs(np.flatnonzero(data.dataset.split == VALIDATION))
        held_out = problem.described(data, VALIDATION)
        found = whitened_metrics(problem.described(data, TRAIN))
        model.embed(max(
            (metric for _, metric in found),
            key=lambda one: measured(similarities(one, held_out, pairs), pairs.same)["auc"],
        ))  # fmt: skip

    def solve() -> Learned:
        return learned(data, deep, cosine_metrics)

    return by_steps(data, ask, problem, TUNED_RECIPE, name, solve, seconds=clock.seconds)


def problem_of(data: Lined, ask: Ask, deep: Deep, loss: Loss, recipe: Recipe) -> FaceProblem:
    """Who the training faces are; an epoch shows SCRATCH faces at least."""
    train = data.dataset.split == TRAIN
    return FaceProblem(
        deep,
        loss,
        np.unique(data.dataset.targets.numbers[train]),
        max(1, round(SCRATCH / int(train.sum()))),
        augmentation=ask.adjusted(ask.recipe or recipe).augmentation,
        seed=ask.seed,
    )


def by_steps(
    data: Lined,
    ask: Ask,
    problem: FaceProblem,
    recipe: Recipe,
    network: str,
    solve: Callable[[], Learned],
    *,
    seconds: Mapping[str, float] | None = None,
    notes: tuple[str, ...] = (),
) -> Learned:
    """Learns who the training faces are, then a metric on what the network says of them.

    Args:
        solve: the metric, and what else is to be told.
        seconds: that were taken before, by stage.
    """
    clock = Clock()
    clock.seconds.update(seconds or {})
    recipe = ask.adjusted(ask.recipe or recipe)
    with seeded(ask.seed):
        model = Identities(problem.deep.model, len(problem.numbers))
    if network != DEEPFACE:
        model.begin(problem.described(data, TRAIN), problem.places(data))
    model.to(fastest_device())
    left = None if ask.seconds is None else max(0.0, ask.seconds - sum(clock.seconds.values()))
    with clock.stage("train"):
        run = fit(
            model, problem, data, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed,
            seconds=left,
        )  # fmt: skip
    found = solve()
    told: dict[str, Any] = recipe.to_json()
    return replace(
        found,
        seconds={**clock.seconds, **found.seconds},
        network=network,
        history=run.history,
        recipe={**told, "loss": problem.loss, **found.recipe},
        notes=(*notes, run.kept, *found.notes),
    )
