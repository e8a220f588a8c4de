"""Eight narrow Gaussians on a circle of radius 2: which of them does a generator find, and how much
of what it makes lies within three deviations of one (Metz et al. 2017, Section 3.1)?

The same two nets are taught in three ways: by the minimax loss, by the loss that does not saturate,
and by a stable recipe. That one is of no paper's table: hyperbolic tangents in place of rectifiers
in both nets, rates that fall to 0, and the mean of the generator's weights on the way.
"""

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from striate.experiments.result import Line, Panel, Result, Row
from striate.models.adversarial import GeneratorLoss, Players
from striate.progress import track
from striate.training import train
from striate.training.adversarial import Game, Round
from striate.training.modes import seeded

MODES, RADIUS, DEVIATION = 8, 2.0, 0.02
BATCH, NOISE, HIDDEN = 256, 16, 128
SAMPLES = 10_000  # that are judged
FOUND = 0.01  # share of the samples from which on a mode counts as found
NEAR = 0.9  # share of the samples that a recipe has to bring near a mode
QUICK, WHOLE = 1_000, 6_000  # steps
SHOWN = 1_500


@dataclass(frozen=True)
class Recipe:
    """How the nets are made and taught."""

    title: str
    loss: GeneratorLoss
    rate: float = 1e-3
    layers: int = 2
    activation: type[nn.Module] = nn.ReLU
    falls: bool = False
    mean: float = 0.0


STABLE = Recipe(
    "stable", "non-saturating", rate=2e-3, layers=3, activation=nn.Tanh, falls=True, mean=0.999
)
RECIPES = (
    Recipe("minimax", "minimax"), Recipe("non-saturating", "non-saturating"), STABLE
)  # fmt: skip


def centers() -> Tensor:
    """(8, 2), on the circle."""
    angles = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack((angles.cos(), angles.sin()), 1)


def data(count: int) -> Tensor:
    """(count, 2), of every mode as many by chance."""
    return centers()[torch.randint(MODES, (count,))] + DEVIATION * torch.randn(count, 2)


def found(samples: Tensor) -> tuple[int, float]:
    """How many modes hold at least FOUND of the samples (N, 2), and the share of all samples that
    lies within three deviations of one.

    >>> found(centers()[:6].repeat(10, 1))
    (6, 1.0)
    >>> found(torch.zeros(5, 2))
    (0, 0.0)
    """
    far, mode = torch.cdist(samples, centers()).min(1)
    near = far < 3 * DEVIATION
    counts = torch.bincount(mode[near], minlength=MODES)
    return int((counts >= FOUND * len(samples)).sum()), near.sum().item() / len(samples)


def net(inputs: int, outputs: int, recipe: Recipe) -> nn.Sequential:
    """A perceptron."""
    layers: list[nn.Module] = []
    for _ in range(recipe.layers):
        layers += [nn.Linear(inputs, HIDDEN), recipe.activation()]
        inputs = HIDDEN
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def play(recipe: Recipe, *, steps: int, seed: int) -> Tensor:
    """Samples (SAMPLES, 2) of a generator that has learned."""
    with seeded(seed):
        generator = net(NOISE, 2, recipe)
        critic = nn.Sequential(net(2, 1, recipe), nn.Flatten(0))
        game = Game(Players(generator, critic), loss=recipe.loss)
        optimizers = (
            Adam(critic.parameters(), recipe.rate, betas=(0.5, 0.999)),
            Adam(generator.parameters(), recipe.rate, betas=(0.5, 0.999)),
        )
        last = 0.0 if recipe.falls else 1.0
        schedules = [
            LambdaLR(one, lambda step: 1 - (1 - last) * step / steps) for one in optimizers
        ]
        mean = deepcopy(generator)

        def batches() -> Iterator[Round]:
            for _ in track(range(steps), f"rings, {recipe.title}"):
                yield Round(data(BATCH), torch.randn(BATCH, NOISE))

        for _ in train(game.objectives(optimizers, (schedules[0], schedules[1])), batches()):
            with torch.no_grad():
                for kept, now in zip(mean.parameters(), generator.parameters(), strict=True):
                    kept.lerp_(now, 1 - recipe.mean)
        with torch.no_grad():
            samples: Tensor = mean(torch.randn(SAMPLES, NOISE))
    return samples


def run(quick: bool, seed: int) -> Result:
    """Every recipe in turn."""
    rows, panels = [], []
    with seeded(seed):
        real = data(SAMPLES)
    for recipe in RECIPES:
        samples = play(recipe, steps=QUICK if quick else WHOLE, seed=seed)
        modes, near = found(samples)
        same = modes == MODES and near >= NEAR
        rows.append(
            Row(
                f"{recipe.title}: modes found, samples within three deviations of one",
                f"8 of 8, {1 - math.exp(-4.5):.1%} of the data".replace("%", " %"),
                f"{modes} of 8, {near:.1%}".replace("%", " %"),
                "same" if same else "different",
                f"counted so from {100 * NEAR:.0f} % on"
                if same
                else "some modes are lost"
                if modes < MODES
                else "many lie between",
            )
        )
        panels.append(panel(recipe.title, samples, real))
    return Result(rows, panels)


def panel(title: str, samples: Tensor, real: Tensor) -> Panel:
    """Samples and data as dots."""

    def line(name: str, some: Tensor) -> Line:
        x, y = some[:SHOWN].numpy().astype(np.float64).T
        return Line(name, x, y, dots=True)

    return Panel(title, "", "", (line("samples", samples), line("data", real[:200])),
                 (-3, 3, -2.4, 2.4))  # fmt: skip
