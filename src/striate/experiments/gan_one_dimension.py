"""Data and generator are Gaussians on a line, so that all that the theory of adversarial nets says
can be computed by quadrature and set beside what nets reach (Goodfellow et al. 2014, Section 4):

    the best discriminator is D* = p / (p + q)                              (Proposition 1)
    the game's value is then -log 4 + 2 JSD(p, q), least where q = p        (Theorem 1)
    where D is sure that samples are none, log(1 - D) has hardly a gradient (Section 3)

The generator is z -> scale z + shift with a normal z: its q is N(shift, scale^2), exactly.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from striate.experiments.result import Line, Panel, Result, Row
from striate.models.adversarial import GENERATOR_LOSSES, Players, generator_loss
from striate.progress import track
from striate.training import train
from striate.training.adversarial import Game, Round
from striate.training.modes import seeded

Density = NDArray[np.float64]

GRID = np.linspace(-12.0, 12.0, 4_801)  # where densities are added up; beyond there is nothing
DATA = (0.0, 1.0)  # mean and deviation
FIXED = ((0.0, 1.0), (1.0, 1.0), (2.0, 0.5))  # of generators that do not learn
START = (3.0, 0.5)  # of the one that does
LIKELY = 0.01  # density of data or samples, above which D is compared with D*
CLOSE = 0.02  # of two values of the game that count as the same
QUICK, WHOLE = 500, 3000  # steps against a generator that stays; the game has twice as many


class Affine(nn.Module):
    """Noise (N, 1) to scale z + shift (N, 1)."""

    def __init__(self, shift: float, scale: float):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, noise: Tensor) -> Tensor:
        return self.scale * noise + self.shift

    @property
    def gaussian(self) -> tuple[float, float]:
        """Mean and deviation of what it makes."""
        return float(self.shift.detach()), abs(float(self.scale.detach()))


def critic() -> nn.Module:
    """Places (N, 1) to logits (N,)."""
    return nn.Sequential(
        nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0)
    )


def density(mean: float, deviation: float) -> Density:
    """Of a Gaussian on the grid.

    >>> bool(abs(integral(density(1.0, 0.5)) - 1) < 1e-12)
    True
    """
    scaled = (GRID - mean) / deviation
    return np.exp(-0.5 * scaled**2) / (deviation * math.sqrt(2 * math.pi))


def integral(values: Density) -> float:
    """Over the grid."""
    return float(np.trapezoid(values, GRID))


def value_of(p: Density, q: Density, logits: Density) -> float:
    """V(D, G), Eq. 1: of a discriminator by its logits on the grid."""
    return integral(-p * np.logaddexp(0, -logits) - q * np.logaddexp(0, logits))


def divergence(p: Density, q: Density) -> float:
    """The Jensen-Shannon divergence in nats, from 0 to log 2.

    >>> divergence(density(0.0, 1.0), density(0.0, 1.0))
    0.0
    >>> bool(abs(divergence(density(-6.0, 0.5), density(6.0, 0.5)) - math.log(2)) < 1e-9)
    True
    """
    middle = (p + q) / 2

    def to_middle(some: Density) -> float:
        there = some > 0
        parts = np.zeros_like(some)
        parts[there] = some[there] * np.log(some[there] / middle[there])
        return integral(parts)

    return (to_middle(p) + to_middle(q)) / 2


def best_value(p: Density, q: Density) -> float:
    """What the best discriminator gets (Theorem 1)."""
    return -math.log(4) + 2 * divergence(p, q)


class Played(NamedTuple):
    """A game: the generator at its end, the discriminator's logits on the grid, and V as theory has
    it every so many steps."""

    gaussian: tuple[float, float]
    logits: Density
    steps: list[int]
    values: list[float]


def play(start: tuple[float, float], *, steps: int, learns: bool, seed: int, what: str) -> Played:
    """The two players on the one loop.

    Args:
        start: mean and deviation of the generator's samples at first.
        learns: whether the generator does; else it stays as it is.
    """
    p = density(*DATA)
    with seeded(seed):
        made = Affine(*start)
        game = Game(Players(made, critic()))
        optimizers = (
            Adam(game.players.discriminator.parameters(), 5e-3, betas=(0.5, 0.999)),
            Adam(made.parameters(), 5e-3, betas=(0.5, 0.999)),
        )
        schedules = [LambdaLR(one, lambda step: 1 - step / steps) for one in optimizers]
        objectives = game.objectives(optimizers, (schedules[0], schedules[1]))

        def batches() -> Iterator[Round]:
            for _ in track(range(steps), what):
                yield Round(DATA[0] + DATA[1] * torch.randn(256, 1), torch.randn(256, 1))

        numbers, values = [], []
        for step in train(objectives if learns else objectives[:1], batches()):
            if step.number % max(1, steps // 100) == 0:
                numbers.append(step.number)
                values.append(best_value(p, density(*made.gaussian)))
        with torch.no_grad():
            logits = game.players.discriminator(torch.from_numpy(GRID[:, None]).float())
    return Played(made.gaussian, logits.double().numpy(), numbers, values)


def run(quick: bool, seed: int) -> Result:
    """Discriminators against generators that stay, then the game."""
    p, steps = density(*DATA), QUICK if quick else WHOLE
    rows, fields = [], []
    for mean, deviation in FIXED:
        q = density(mean, deviation)
        found = play((mean, deviation), steps=steps, learns=False, seed=seed,
                     what=f"discriminator against N({mean:g}, {deviation:g}^2)")  # fmt: skip
        theory, reached = best_value(p, q), value_of(p, q, found.logits)
        best, ours = p / (p + q + 1e-300), 1 / (1 + np.exp(-found.logits))
        likely = np.maximum(p, q) > LIKELY
        far = float(np.abs(best - ours)[likely].max())
        same = abs(theory - reached) < CLOSE
        rows.append(
            Row(
                f"value with a learned D; data N(0, 1), samples N({mean:g}, {deviation:g}^2)",
                f"{theory:.4f}",
                f"{reached:.4f}, D at most {far:.3f} from D*",
                "same" if same else "different",
                "" if same else "D has not learned enough",
            )
        )
        fields.append((mean, deviation, q, best, ours))
    game = play(START, steps=2 * steps, learns=True, seed=seed, what="the game")
    mean, deviation = game.gaussian
    end = best_value(p, density(mean, deviation))
    same = abs(end + math.log(4)) < CLOSE
    ended = f"the game was ended after {2 * steps:,} steps"
    rows += [
        Row(
            f"samples that began at N({START[0]:g}, {START[1]:g}^2), after the game",
            "N(0, 1)",
            f"N({mean:.3f}, {deviation:.3f}^2)",
            "same" if same else "different",
            "" if same else ended,
        ),
        Row("value there, with the best D", "-log 4 = -1.3863", f"{end:.4f}",
            "same" if same else "different", "" if same else ended),
    ]  # fmt: skip
    rows.append(_half(game.logits, ended if quick else "both go on to move around the end"))
    return Result(rows, [*map(_field, fields), _course(game), _gradients()])


def _half(logits: Density, why: str) -> Row:
    """Whether the discriminator is left without an opinion."""
    middle = np.abs(GRID) < 2
    ours = 1 / (1 + np.exp(-logits[middle]))
    far = float(np.abs(ours - 0.5).max())
    return Row(
        "D from -2 to 2 after the game", "1/2 everywhere", f"{ours.min():.3f} to {ours.max():.3f}",
        "same" if far < 0.1 else "different",
        "" if far < 0.1 else why,
    )  # fmt: skip


def _field(field: tuple[float, float, Density, Density, Density]) -> Panel:
    """The paper's Figure 1: data, samples, D* and what was learned."""
    mean, deviation, q, best, ours = field
    some = slice(None, None, 12)
    x = GRID[some]
    lines = (
        Line("D, learned", x, ours[some]), Line("D* = p / (p + q)", x, best[some], dots=True),
        Line("data", x, density(*DATA)[some]), Line("samples", x, q[some]),
    )  # fmt: skip
    return Panel(f"samples N({mean:g}, {deviation:g}^2)", "x", "D, density", lines, (-4, 5, 0, 1))


def _course(game: Played) -> Panel:
    """The value as the generator learns."""
    x = np.array(game.steps, np.float64)
    lines = (
        Line("-log 4 + 2 JSD of the samples", x, np.array(game.values)),
        Line("-log 4", x, np.full(len(x), -math.log(4))),
    )
    return Panel("the game", "steps", "value with the best D", lines)


def _gradients() -> Panel:
    """Of what the generator minimizes, with respect to D's logit of a sample."""
    chances = torch.linspace(0.001, 0.999, 200, dtype=torch.float64)
    lines = []
    for kind, name in zip(GENERATOR_LOSSES, ("-log D", "log(1 - D)"), strict=True):
        logits = chances.logit().requires_grad_()
        loss = len(logits) * generator_loss(logits, kind=kind)  # of each sample by itself
        (slope,) = torch.autograd.grad(loss, logits)
        lines.append(Line(f"{name} ({kind})", chances.numpy(), slope.abs().numpy()))
    return Panel("how hard a sample is pushed", "D of the sample", "size of the gradient", lines,
                 (0, 1, 0, 1))  # fmt: skip
