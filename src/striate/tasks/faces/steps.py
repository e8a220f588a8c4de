"""Methods that learn by steps: DeepFace from random weights, and a pretrained network tuned."""

from dataclasses import replace
from typing import Any

import numpy as np

from striate.augment import Augmentation, Spread
from striate.data.splits import TRAIN
from striate.inference import fastest_device
from striate.models import Normalization, create
from striate.models.deepface import SIDE
from striate.progress import Clock
from striate.tasks.backbones import normalization_for, trained_weights
from striate.tasks.contract import Ask, Learned
from striate.tasks.faces.deep import DEEPFACE, Deep, Embedder, Reading
from striate.tasks.faces.learning import NETWORK, cosine_metrics, learned
from striate.tasks.faces.prepared import Lined
from striate.tasks.faces.problem import FaceProblem, Identities, Loss
from striate.training import Recipe, fit
from striate.training.modes import seeded

ENOUGH = 20_000  # training faces from which on DeepFace keeps its published widths
FACTOR = 4  # that they are divided by for fewer
EMBEDDING = 256
SCRATCH = 1000  # faces that an epoch shows at least

VIEWS = Augmentation(
    Spread(mirror=0.5, rotation=5, zoom=0.08, stretch=0.05), brightness=0.2, contrast=0.2
)
DEEPFACE_RECIPE = Recipe(
    epochs=12, batch_size=32, learning_rate=1e-3, optimizer="adamw", weight_decay=1e-2,
    warmup=0.05, clip=5.0, augmentation=VIEWS,
)  # fmt: skip
TUNED_RECIPE = Recipe(
    epochs=8, batch_size=48, learning_rate=1e-3, optimizer="adamw", weight_decay=1e-2,
    warmup=0.1, kept_rate=0.1, freeze_statistics=True, clip=5.0, keep_start=True,
    augmentation=VIEWS,
)  # fmt: skip


def learn_deepface(data: Lined, ask: Ask) -> Learned:
    """DeepFace from random weights, softmax over the training persons."""
    train = data.dataset.split == TRAIN
    factor = 1 if train.sum() >= ENOUGH else FACTOR
    reading = Reading(DEEPFACE, size=SIDE, share=1.0, factor=factor)
    with seeded(ask.seed):
        model = Embedder(reading)
    deep = Deep(model, Normalization.measured(data.faces[train]))
    notes = () if factor == 1 else (f"DeepFace, its widths divided by {factor}",)
    return by_steps(data, ask, deep, "softmax", DEEPFACE_RECIPE, DEEPFACE, notes)


def learn_tuned(data: Lined, ask: Ask, *, loss: Loss = "margin") -> Learned:
    """A pretrained network with an embedding, tuned on the training persons."""
    name = ask.network or NETWORK
    with seeded(ask.seed):
        network = create(name, weights=trained_weights(name, ask.weights))
        model = Embedder(Reading(name, embedding=EMBEDDING), network)
    deep = Deep(model, normalization_for(name, ask.weights))
    return by_steps(data, ask, deep, loss, TUNED_RECIPE, name)


def by_steps(
    data: Lined, ask: Ask, deep: Deep, loss: Loss, recipe: Recipe, network: str,
    notes: tuple[str, ...] = (),
) -> Learned:  # fmt: skip
    """Learns who the training faces are, then a metric on what the network says of them."""
    clock = Clock()
    train = data.dataset.split == TRAIN
    numbers = np.unique(data.dataset.targets.numbers[train])
    rounds = max(1, round(SCRATCH / int(train.sum())))
    recipe = ask.adjusted(ask.recipe or recipe)
    with seeded(ask.seed):
        model = Identities(deep.model, len(numbers))
        model.to(fastest_device())
    with clock.stage("train"):
        run = fit(
            model, FaceProblem(deep, loss, numbers, rounds), data, recipe, folder=ask.folder,
            resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    found = learned(data, deep, cosine_metrics)
    told: dict[str, Any] = recipe.to_json()
    return replace(
        found,
        seconds={**clock.seconds, **found.seconds},
        network=network,
        history=run.history,
        recipe={**told, "loss": loss, **found.recipe},
        notes=(*notes, f"epoch {run.best['epoch']:g} of {run.history[-1]['epoch']:g}",
               *found.notes),
    )  # fmt: skip
