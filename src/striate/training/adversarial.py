"""Two players on the one loop: an objective for each, on data of any shape.

The discriminator steps first, on the batch and on samples of as many noises; the generator then
steps by what the changed discriminator thinks of the same samples (Goodfellow et al. 2014,
Algorithm 1 with k = 1). So each sample is made once a step; and in the generator's step nothing is
computed for the discriminator's weights, which stay.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from striate.models.adversarial import (
    GeneratorLoss,
    Players,
    discriminator_loss,
    generator_loss,
)
from striate.training.accumulation import Parts
from striate.training.loop import Objective

BEATEN = 0.01  # of the discriminator's loss: below it, samples are told apart with no doubt left
PULSE = 0.98  # decay of the moving means


@dataclass(frozen=True, eq=False)
class Round:
    """A batch of the game.

    Attributes:
        real: (B, ...) data.
        noise: (B, Z) what samples are made of.
        classes: (B,) of the data, and of the samples too; None where nobody is told.
    """

    real: Tensor
    noise: Tensor
    classes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.real)

    def parts(self, count: int) -> Sequence["Round"]:
        """The round in so many parts."""
        marks = [len(self) * place // count for place in range(count + 1)]
        return [
            Round(self.real[low:high], self.noise[low:high],
                  None if self.classes is None else self.classes[low:high])
            for low, high in pairwise(marks)
        ]  # fmt: skip


class Game:
    """The losses of both players.

    Args:
        loss: of the generator.
        smoothing: one-sided, of the labels of data.
    """

    def __init__(
        self, players: Players, *, loss: GeneratorLoss = "non-saturating", smoothing: float = 0.0
    ):
        self.players, self.loss, self.smoothing = players, loss, smoothing
        self._made: tuple[Round, Tensor] | None = None

    def discriminator(self, batch: Round) -> dict[str, Tensor]:
        """Of the discriminator; samples are made here, and kept for the generator."""
        players, told = self.players, told_of(batch)
        fake = players.generator(batch.noise, *told)
        self._made = batch, fake
        on_real = players.discriminator(batch.real, *told)
        on_fake = players.discriminator(fake.detach(), *told)
        loss = discriminator_loss(on_real, on_fake, smoothing=self.smoothing)
        self._noted(on_real.detach(), on_fake.detach(), loss.detach())
        return {"discriminator": loss}

    def generator(self, batch: Round) -> dict[str, Tensor]:
        """Of the generator."""
        players, told = self.players, told_of(batch)
        made, self._made = self._made, None
        fake = made[1] if made and made[0] is batch else players.generator(batch.noise, *told)
        with unchanged(players.discriminator):
            return {"generator": generator_loss(players.discriminator(fake, *told), kind=self.loss)}

    def _noted(self, on_real: Tensor, on_fake: Tensor, loss: Tensor) -> None:
        players = self.players
        now = torch.stack((on_real.sigmoid().mean(), on_fake.sigmoid().mean()))
        players.pulse.lerp_(now.float(), 1 - PULSE)
        if self.smoothing:  # the least loss is then above 0: what samples cost is looked at alone
            loss = torch.nn.functional.softplus(on_fake).mean()
        players.beaten.copy_(torch.where(loss < BEATEN, players.beaten + 1, 0))

    def objectives(
        self,
        optimizers: tuple[Optimizer, Optimizer],
        schedules: tuple[LRScheduler | None, LRScheduler | None] = (None, None),
        *,
        around: Callable[
            [Callable[[Round], dict[str, Tensor]]], Callable[[Round], dict[str, Tensor]]
        ] = lambda losses: losses,
        clip: float | None = None,
        parts: int = 1,
    ) -> tuple[Objective[Round], Objective[Round]]:
        """Of the discriminator and of the generator, in the order in which they step.

        Args:
            optimizers, schedules: of the discriminator and of the generator.
            around: makes of losses those that are minimized: in another precision.
        """
        first, second = (
            Objective(around(losses), optimizer, schedule, clip=clip, parts=Parts(parts))
            for losses, optimizer, schedule in zip(
                (self.discriminator, self.generator), optimizers, schedules, strict=True
            )
        )
        return first, second


def told_of(batch: Round) -> tuple[Tensor, ...]:
    """What the players are told beside noise and data."""
    return () if batch.classes is None else (batch.classes,)


@contextmanager
def unchanged(network: nn.Module) -> Iterator[None]:
    """Inside the block no gradient is computed for the network's weights, only through it."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    for weight in learning:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in learning:
            weight.requires_grad_(True)
