"""The one loop: a generator that yields after every step.

The caller logs, evaluates, saves and stops between two steps, in plain sight: no callbacks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from striate.errors import Diverged

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Objective(Generic[Batch]):
    """What one optimizer minimizes: the sum of the named losses of a batch."""

    losses: Callable[[Batch], dict[str, Tensor]]
    optimizer: Optimizer
    schedule: LRScheduler | None = None


@dataclass(frozen=True)
class Step:
    """One batch, done: its number, from 1, and each loss, detached and still on its device."""

    number: int
    losses: dict[str, Tensor]


def train(
    objectives: Sequence[Objective[Batch]], batches: Iterable[Batch], *, start: int = 0
) -> Iterator[Step]:
    """Minimizes every objective in turn on every batch, and yields after each batch.

    Classification, segmentation, detection and style transfer have one objective, a GAN has two;
    layer-wise pretraining calls this once a layer. `start` steps were done in an earlier process.

    Raises:
        Diverged: when the losses stop adding up to a finite number.
    """
    for number, batch in enumerate(batches, start + 1):
        losses: dict[str, Tensor] = {}
        for objective in objectives:
            losses |= descend(objective, batch, number)
        yield Step(number, losses)


def descend(objective: Objective[Batch], batch: Batch, number: int) -> dict[str, Tensor]:
    """One step of one optimizer. A line search (L-BFGS) looks several times; the first counts."""
    first: dict[str, Tensor] = {}

    def look() -> float:
        objective.optimizer.zero_grad()
        losses = objective.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        value = float(total.detach())
        if not torch.isfinite(torch.tensor(value)):
            each = ", ".join(f"{name} {float(loss.detach()):.3g}" for name, loss in losses.items())
            raise Diverged(f"step {number}: {each}; a smaller learning rate may help")
        total.backward()
        if not first:
            first.update({name: loss.detach() for name, loss in losses.items()})
        return value

    objective.optimizer.step(look)
    if objective.schedule:
        objective.schedule.step()
    return first
