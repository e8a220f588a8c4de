"""About how long methods take to learn here: a few pictures are computed, the others counted.

Nothing is left out that grows with the pictures, but for the classifiers on deep features.
Learning that stops early takes less.
"""

import time
from collections.abc import Callable
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from striate import handcrafted as features
from striate.data import Dataset, Decoded, native
from striate.handcrafted.fitting import Work
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.inference.outputs import outputs_of
from striate.models import create, entry, folded
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.tasks.contract import Ask
from striate.tasks.pictures import features as deep
from striate.tasks.pictures.beginning import Asked, begun
from striate.tasks.pictures.finetuning import LEARNED, VIEWS, recipe_for
from striate.tasks.pictures.starting import PRETRAINED, options_for
from striate.training import train
from striate.training.modes import learning, threads

FEW = 16  # pictures that are computed
STEPS = 3  # that are learned
BACKWARD = 2  # times the time forward
Views = Callable[[Dataset[Any], Ask], tuple[View, ...]]
"""What a method reads of each picture; the first of them is computed."""


def of_handcrafted(data: Decoded, ask: Ask, seeds: int, *, views: Views) -> float:
    """Seconds for the visual words of every picture, and of mirror images of what is learned, and
    for its machines."""
    side, gray = native(data.dataset)
    settings = features.settings_for(side)
    model = features.BagOfVisualWords(classes=len(data.dataset.classes), settings=settings).eval()
    model.dictionary = torch.randn_like(model.dictionary)
    pixels = data.pixels[views(data.dataset, ask)[0]]

    def compute(some: NDArray[np.uint8]) -> None:
        model.pooled(torch.from_numpy(some).permute(0, 3, 1, 2).float())

    once = seconds_each(compute, pixels)
    train, held_out = len(data.dataset.train), len(data.dataset.validation)
    mirrored = 0 if gray else train
    work = Work.of(train, held_out, width=model.pooled_width, mirror=not gray)
    machines = work.products * seconds_of_product() + work.read * seconds_of_pass(
        len(data.dataset.classes)
    )
    return seeds * (once * (len(data.dataset) + mirrored) + machines)


def seconds_of_product(side: int = 768) -> float:
    """For a multiply-add of a large matrix product."""
    one = torch.randn(side, side)
    return quicker(lambda: one @ one) / side**3


def seconds_of_pass(classes: int, side: int = 2048) -> float:
    """For a number that is multiplied with weights of so many classes, too many to be near."""
    inputs, weights = torch.randn(side, side), torch.randn(classes, side)
    return quicker(lambda: F.linear(inputs, weights)) / side**2


def quicker(compute: Callable[[], Any]) -> float:
    """The seconds of the quicker of two times."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        compute()
        times.append(time.perf_counter() - start)
    return min(times)


def of_transfer(data: Decoded, ask: Ask, seeds: int, *, views: Views) -> float:
    """Seconds for the deep features of every picture, which all seeds share."""
    return forward(data, ask, views) * len(data.dataset)


def of_finetune(data: Decoded, ask: Ask, seeds: int, *, views: Views) -> float:
    """Seconds for the lower layers of a few views, and for the upper ones in every epoch."""
    once, dataset = forward(data, ask, views), data.dataset
    count, held_out = len(dataset.train), len(dataset.validation)
    epochs = ask.adjusted(ask.recipe or recipe_for(dataset)).epochs
    lower = (1 - LEARNED) * (min(VIEWS, epochs) * count + held_out)
    upper = LEARNED * epochs * ((1 + BACKWARD) * count + held_out)
    return seeds * once * (lower + upper)


def of_scratch(data: Decoded, ask: Ask, seeds: int, *, asked: Asked) -> float:
    """Seconds for all steps and evaluations, from the time that a few steps take."""
    _, recipe, start, _, problem = begun(data, ask, asked)
    device = fastest_device()
    times = []
    with threads(recipe.threads), learning(start.model, freeze_statistics=False):
        objectives = problem.objectives(start.model, recipe, STEPS)
        batches = problem.batches(data, recipe, seed=ask.seed, start=0, device=device)
        before = time.perf_counter()
        for step in train(objectives, islice(batches, STEPS)):
            float(sum(step.losses.values()))  # waits for the device
            times.append(time.perf_counter() - before)
            before = time.perf_counter()
    held_out = len(data.dataset.validation) / recipe.batch_size / (1 + BACKWARD)
    each = ceil(problem.examples(data) / recipe.batch_size) + held_out
    return seeds * min(times) * each * recipe.epochs


def forward(data: Decoded, ask: Ask, views: Views) -> float:
    """Seconds that the pretrained network takes for a picture; its weights do not matter."""
    name = ask.network or PRETRAINED
    view = views(data.dataset, ask)[0]
    model = create(name, channels=view.channels, **options_for(name)).eval()
    trunk = channels_last(Before(folded(model))).to(fastest_device())
    rule = Preprocessing(view, entry(name).normalization)

    def compute(some: NDArray[np.uint8]) -> None:
        outputs_of(trunk, rule, some, batch_size=FEW)

    side = min(view.size, deep.view(data.dataset, name, ask.weights).size)  # of its own pictures
    larger = (view.size / side) ** 2
    return larger * seconds_each(compute, data.pixels[view][:, :side, :side])


def seconds_each(compute: Callable[[NDArray[np.uint8]], Any], pixels: NDArray[np.uint8]) -> float:
    """The quicker of two times, for one of a few of these pictures (N, S, S, C)."""
    some = np.ascontiguousarray(pixels[:FEW])
    with torch.no_grad():
        return quicker(lambda: compute(some)) / len(some)
