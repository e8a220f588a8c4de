"""How each method learns to make pictures."""

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from striate.data import Decoded
from striate.data.names import epochs
from striate.data.splits import TRAIN, VALIDATION
from striate.errors import UserError
from striate.inference import Preprocessing, fastest_device
from striate.models import Normalization
from striate.models.dbn import DBN
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned
from striate.tasks.generation import gaussian as gaussians
from striate.tasks.generation.belief import Belief
from striate.tasks.generation.choices import Adversarial, Choices, Machines
from striate.tasks.generation.generator import Generator
from striate.tasks.generation.judge import judge_of
from striate.tasks.generation.networks import FORMS, players
from striate.tasks.generation.problem import (
    PATIENCE,
    Adversaries,
    Filmed,
    Pictures,
    frames_of,
)
from striate.tasks.generation.sampler import Sampler, shares
from striate.tasks.generation.scores import Reference, reference_of, spread
from striate.tasks.generation.views import notes, view_of
from striate.tasks.pictures.stacking import MACHINE, Seen, stacked
from striate.training import Recipe, fit
from striate.training.modes import seeded

JUDGED = 2000  # validation pictures that an epoch is judged by
STEPS = 4000  # that few pictures are learned in, at least
MOST_EPOCHS = 400
MACHINES_IGNORE = frozenset(("label_smoothing",))  # what machines do without
DCGAN = Recipe(  # Section 4: Adam, beta1 of 0.5, batches of 128
    epochs=10,
    batch_size=128,
    learning_rate=2e-4,
    optimizer="adamw",
    momentum=0.5,
    schedule="constant",
)
GAN = DCGAN.but(epochs=30, learning_rate=1e-3)  # full connections learn too slowly below


def adversarial(data: Decoded, ask: Ask, *, form: str, recipe: Recipe) -> Learned:
    """Two players, of which the generator is kept: as it was when its samples came nearest to the
    validation pictures."""
    choices = ask.choices
    assert isinstance(choices, Adversarial)
    clock = Clock()
    with clock.stage("find the judge"):
        pictures = pictures_of(data, choices)
    dataset = data.dataset
    told = dataset.classes if choices.conditional else ()
    count, side, _, channels = pictures.pixels.shape
    recipe = ask.adjusted(ask.recipe or recipe_for(recipe, count))
    sizes = {"noise": choices.noise, "width": choices.width, "classes": len(told)}
    with seeded(ask.seed):
        pair = players(form, side, channels, **sizes)
    low = FORMS[form].low
    frames = len(frames_of(recipe.epochs))
    model = Filmed(pair, (side, side, channels), frames).to(fastest_device())
    problem = Adversaries(
        model, noise=choices.noise, low=low, loss=choices.loss, classes=len(told),
        epochs=recipe.epochs,
    )  # fmt: skip
    with clock.stage("learn"):
        run = fit(
            model, problem, pictures, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed,
            seconds=ask.seconds,
        )  # fmt: skip
    shown = (model.epochs > 0).cpu().numpy()
    predictor = Generator(
        network=model.generator.cpu().eval(), form=form, size=side, channels=channels,
        noise=choices.noise, width=choices.width, told=told,
        prior=shares(pictures.numbers, told),
        film=model.film.cpu().numpy()[shown], epochs=model.epochs.cpu().numpy()[shown],
    )  # fmt: skip
    last = run.history[-1]["epoch"]
    told_of = [
        *notes(dataset, view_of(dataset, choices.side)),
        f"judged by {pictures.held.judge.title}",
    ]
    if last < recipe.epochs and problem.lost:
        told_of.append(
            f"stopped after epoch {epochs(last)}: for {PATIENCE} steps the discriminator told "
            "every sample from the pictures, and the generator learned nothing more; try "
            "--set label_smoothing=0.1, a smaller learning_rate, or more pictures"
        )
    told_of.append(
        f"the weights are those after epoch {epochs(run.best['epoch'])} of {epochs(last)}"
    )
    return Learned(
        predictor, measured(pictures.held, run.best["frechet"]), clock.seconds,
        history=run.history, recipe={**recipe.to_json(), **asdict(choices)}, notes=tuple(told_of),
    )  # fmt: skip


def recipe_for(recipe: Recipe, count: int) -> Recipe:
    """The recipe for so many training pictures: few are shown more often.

    >>> [recipe_for(DCGAN, count).epochs for count in (48_000, 3_000, 50)]
    [11, 167, 400]
    """
    steps = max(1, -(-count // recipe.batch_size))
    return recipe.but(epochs=min(MOST_EPOCHS, max(recipe.epochs, -(-STEPS // steps))))


def gaussian(data: Decoded, ask: Ask) -> Learned:
    """Principal components, drawn as a Gaussian, of each class one."""
    choices = ask.choices
    assert isinstance(choices, Choices)
    clock = Clock()
    with clock.stage("find the judge"):
        pictures = pictures_of(data, choices)
    dataset = data.dataset
    told = dataset.classes if choices.conditional else ()
    count, side, _, channels = pictures.pixels.shape
    numbers = pictures.numbers if told else np.zeros(count, np.int64)
    with clock.stage("solve"):
        means, directions = gaussians.fitted(
            pictures.pixels, numbers, max(1, len(told)), choices.noise
        )
    predictor = gaussians.Gaussian(
        means=means, directions=directions, size=side, channels=channels, told=told,
        prior=shares(numbers, told),
    )  # fmt: skip
    return Learned(
        predictor, validated(predictor, pictures), clock.seconds, recipe=asdict(choices),
        notes=(*notes(dataset, view_of(dataset, choices.side)),
               f"judged by {pictures.held.judge.title}"),
    )  # fmt: skip


def belief(data: Decoded, ask: Ask) -> Learned:
    """Machines one above the other; the topmost sees the labels too, where classes are told, and
    its chains go on while it learns."""
    choices = ask.choices
    assert isinstance(choices, Machines)
    clock = Clock()
    with clock.stage("find the judge"):
        pictures = pictures_of(data, choices)
    dataset = data.dataset
    told = dataset.classes if choices.conditional else ()
    count, side, _, channels = pictures.pixels.shape
    view = view_of(dataset, choices.side)
    logistic = channels == 1
    rule = (
        Preprocessing(view, Normalization((0.0,), (255.0,)))
        if logistic
        else Preprocessing.measured(view, pictures.pixels)
    )
    epochs = max(MACHINE.epochs, min(MOST_EPOCHS, -(-STEPS * MACHINE.batch_size // count)))
    recipe = ask.adjusted(ask.recipe or MACHINE.but(epochs=epochs))
    held = dataset.split == VALIDATION
    targets: Any = dataset.targets.single()
    numbers = np.zeros(len(dataset), np.int64) if targets is None else targets
    seen = Seen(
        pictures.pixels, data.pixels[view][held], rule, numbers[dataset.split == TRAIN],
        numbers[held],
        {"data": dataset.fingerprint(),
         "split": hashlib.sha256(dataset.split.tobytes()).hexdigest()},
    )  # fmt: skip
    with clock.stage("learn"):
        stack = stacked(
            seen, choices.hidden, recipe, gaussian=not logistic, labels=len(told),
            chains=choices.chains, folder=ask.folder, resume=ask.resume, seed=ask.seed,
            seconds=ask.seconds,
        )  # fmt: skip
    network = DBN.of(stack.machines, (channels, side, side)).cpu().eval()
    network.top.chains = torch.empty(0, network.top.weight.shape[1])
    predictor = Belief(
        network=network, normalization=rule.normalization, steps=choices.steps, told=told,
        prior=shares(pictures.numbers, told),
    )  # fmt: skip
    return Learned(
        predictor, validated(predictor, pictures), clock.seconds, history=stack.histories[-1],
        recipe={**recipe.to_json(), **asdict(choices)},
        notes=(*notes(dataset, view), f"judged by {pictures.held.judge.title}",
               f"each picture after {choices.steps} steps of Gibbs sampling"),
    )  # fmt: skip


def validated(predictor: Sampler, pictures: Pictures) -> dict[str, float]:
    """How near as many samples come to the validation pictures."""
    held = pictures.held
    made = np.stack([one.pixels for one in predictor.samples(len(held.pixels), seed=1)])
    return measured(held, held.distance(held.judge.features(made)))


def measured(held: Reference, distance: float) -> dict[str, float]:
    """The metrics of samples so far from the validation pictures."""
    return {"closeness": float(held.closeness(distance)), "frechet": distance}


def pictures_of(data: Decoded, choices: Choices) -> Pictures:
    """What any method of this task learns from.

    Raises:
        UserError: if classes are to be told and pictures have none.
    """
    dataset = data.dataset
    numbers: Any = dataset.targets.single()
    if choices.conditional and numbers is None:
        raise UserError(
            f"--set conditional=true: the pictures of {dataset.name} have no classes; leave it out"
        )
    train = np.flatnonzero(dataset.split == TRAIN)
    held = spread(np.flatnonzero(dataset.split == VALIDATION), min(JUDGED, judge_of(dataset).many))
    pixels = data.pixels[view_of(dataset, choices.side)][train]
    return Pictures(
        dataset, pixels,
        np.empty(0, np.int64) if numbers is None else numbers[train],
        reference_of(dataset, held.tolist()),
    )  # fmt: skip
