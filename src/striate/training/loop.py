"""The one loop: a generator that yields after every step.

The caller logs, evaluates, saves and stops between two steps, in plain sight: no callbacks.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from striate.errors import Diverged
from striate.training import group
from striate.training.accumulation import Parts, accumulate

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Objective(Generic[Batch]):
    """What one optimizer minimizes: the sum of the named losses of a batch.

    Attributes:
        clip: the largest norm that all gradients together may have; longer ones are shortened.
        parts: in how many parts a batch goes through; more than one asks for batches that are
            `accumulation.Divisible`.
        scaler: keeps small gradients above what float16 can hold.
    """

    losses: Callable[[Batch], dict[str, Tensor]]
    optimizer: Optimizer
    schedule: LRScheduler | None = None
    clip: float | None = None
    parts: Parts = field(default_factory=Parts)
    scaler: GradScaler | None = None


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

    In a group of processes (`group`) each learns from its part of every batch, and all take the
    same step.

    Raises:
        Diverged: when the losses stop adding up to a finite number.
        ValueError: if two objectives give a loss the same name.
        UserError: if a group cannot share the batches.
    """
    summed = group.gradients_of(learning(objective.optimizer) for objective in objectives)
    try:
        for number, batch in enumerate(batches, start + 1):
            losses: dict[str, Tensor] = {}
            for objective, gradients in zip(objectives, summed, strict=True):
                mine = descend(objective, batch, number, gradients)
                if twice := losses.keys() & mine.keys():
                    raise ValueError(f"two objectives have a loss {min(twice)!r}; name them apart")
                losses |= mine
            yield Step(number, losses)
    finally:
        for gradients in summed:
            if gradients:
                gradients.close()


def descend(
    objective: Objective[Batch], batch: Batch, number: int,
    gradients: group.Gradients | None = None,
) -> dict[str, Tensor]:  # fmt: skip
    """One step of one optimizer. A line search (L-BFGS) looks several times; the first counts.

    Args:
        gradients: adds up those of a group.
    """
    first: dict[str, Tensor] = {}
    optimizer, scaler = objective.optimizer, objective.scaler
    batch, mine = group.own_part(batch)

    def look_at(part: Batch, share: float) -> dict[str, Tensor]:
        share *= mine
        losses = objective.losses(part)
        total = torch.stack(list(losses.values())).sum()
        if not math.isfinite(float(total.detach())):
            each = ", ".join(f"{name} {float(loss.detach()):.3g}" for name, loss in losses.items())
            raise Diverged(f"step {number}: {each}; a smaller learning rate may help")
        total = total if share == 1.0 else share * total
        (scaler.scale(total) if scaler else total).backward()
        return {name: loss.detach() for name, loss in losses.items()}

    def look_together(losses: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        if gradients is None:
            return losses()
        gradients.begin(overlapping=objective.parts.count == 1)
        return gradients.finish({name: mine * loss for name, loss in losses().items()})

    def look() -> float:
        optimizer.zero_grad()
        losses = look_together(
            lambda: accumulate(
                look_at, batch, objective.parts, reset=optimizer.zero_grad, alone=gradients is None
            )
        )
        if objective.clip is not None:
            if scaler:
                scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(learning(optimizer), objective.clip)
        if not first:
            first.update(losses)
        return sum(float(loss) for loss in losses.values())

    if scaler:
        look()
        scaler.step(optimizer)
        scaler.update()
    else:
        optimizer.step(look)
    if objective.schedule:
        objective.schedule.step()
    return first


def learning(optimizer: Optimizer) -> list[Tensor]:
    """Everything the optimizer moves."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
