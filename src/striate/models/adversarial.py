"""Adversarial nets (Goodfellow et al. 2014, arXiv:1406.2661): one makes, the other tells apart.

The two players' losses are of logits alone, so that data may have any shape; the networks below are
those of the paper's Section 5: rectifiers and a sigmoid that make pictures, maxout with dropout
that judges them.
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers.maxout import Maxout

GeneratorLoss = Literal["non-saturating", "minimax"]
GENERATOR_LOSSES: tuple[GeneratorLoss, ...] = get_args(GeneratorLoss)


def discriminator_loss(real: Tensor, fake: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Minus the value V(D, G) of the game (Eq. 1), the means over both batches.

    Args:
        real, fake: (N,) logits of D.
        smoothing: D shall say 1 - smoothing of data; of samples always 0 (one-sided label
            smoothing, Salimans et al. 2016, Section 3.4).
    """
    return (F.softplus(-real) + smoothing * real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor, *, kind: GeneratorLoss = "non-saturating") -> Tensor:
    """What G minimizes, by D's logits (N,) of its samples.

    Args:
        kind: "minimax" is log(1 - D) of Eq. 1, which hardly has a gradient where D is sure;
            "non-saturating" is -log D (Section 3), with the same fixed point.
    """
    return -F.softplus(fake).mean() if kind == "minimax" else F.softplus(-fake).mean()


class Players(nn.Module):
    """Both networks, and how the game stands.

    Args:
        generator: noise (N, Z) to samples; with classes, called with their numbers (N,) as well.
        discriminator: samples to logits (N,) that they are data; likewise.

    Attributes:
        pulse: moving means of D's probability of data and of samples.
        beaten: how many steps, the last among them, D's loss has been next to nothing.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.register_buffer("pulse", torch.full((2,), 0.5))
        self.register_buffer("beaten", torch.zeros((), dtype=torch.int64))
        self.pulse: Tensor
        self.beaten: Tensor


class Conditioned(nn.Module):
    """A network of noise (N, Z) that also takes the numbers (N,) of classes: beside the noise, each
    class has a number that is 1 (Mirza & Osindero 2014, arXiv:1411.1784)."""

    def __init__(self, network: nn.Module, classes: int):
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, noise: Tensor, classes: Tensor | None = None) -> Tensor:
        if classes is not None:
            noise = torch.cat((noise, F.one_hot(classes, self.classes).to(noise)), 1)
        made: Tensor = self.network(noise)
        return made


class Judge(nn.Module):
    """A network that sees, and a logit (N,) of what it saw.

    Args:
        sight: samples to features (N, F).
        classes: where above 0, each class adds a direction of its own to the one that all share
            (the projection of Miyato & Koyama 2018, Eq. 3).
    """

    def __init__(self, sight: nn.Module, features: int, classes: int = 0):
        super().__init__()
        self.sight = sight
        self.logit = nn.Linear(features, 1)
        self.directions = nn.Embedding(classes, features) if classes else None

    def forward(self, samples: Tensor, classes: Tensor | None = None) -> Tensor:
        seen = self.sight(samples)
        logits: Tensor = self.logit(seen)[:, 0]
        if self.directions is not None and classes is not None:
            logits = logits + (self.directions(classes) * seen).sum(1)
        return logits


def perceptrons(
    side: int, channels: int, *, noise: int = 100, width: int = 240, classes: int = 0
) -> Players:
    """The fully connected players for pictures (N, channels, side, side) in [0, 1].

    Args:
        width: maxout units of each of D's two layers; G's two have five times as many rectifiers,
            which are 240 and 1200 in the authors' program for MNIST.
        classes: of the pictures, where both players are told them; else 0.
    """
    pixels = channels * side * side
    hidden = 5 * width
    generator = nn.Sequential(
        nn.Linear(noise + classes, hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, pixels), nn.Sigmoid(),
        nn.Unflatten(1, (channels, side, side)),
    )  # fmt: skip
    sight = nn.Sequential(
        nn.Flatten(), nn.Dropout(0.2),
        Maxout(pixels, width), nn.Dropout(),
        Maxout(width, width), nn.Dropout(),
    )  # fmt: skip
    for layer in generator:
        if isinstance(layer, nn.Linear):  # else hardly anything of the noise comes through
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return Players(Conditioned(generator, classes), Judge(sight, width, classes))
