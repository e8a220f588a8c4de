"""Boltzmann machines learned one above the other, from pictures or from what machines make of them.

A machine is a learning problem of its own, with a run of its own: `fit` logs it, stops it in time
and takes it up again.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from striate.data.batches import Batch, Batches
from striate.inference import Preprocessing, fastest_device
from striate.models.rbm import RBM
from striate.training import Objective, Problem, Recipe, fit, seeded
from striate.training.optimizers import optimizer_for, rate_factor
from striate.training.problem import CPU

# Hinton & Salakhutdinov 2006 and Hinton 2010: steps of 100, weights decayed by 0.0002, momentum 0.5
# at first and then 0.9. The rate of units that are real numbers is far less.
MACHINE = Recipe(
    epochs=20, batch_size=100, learning_rate=0.1, nesterov=False, weight_decay=2e-4,
    schedule="cosine",
)  # fmt: skip
GAUSSIAN, LINEAR = 0.02, 0.02  # their rates, as shares of that of logistic units
FIRST_MOMENTUM, SLOW = 0.5, 0.1  # momentum at first, and the share of the steps that has it
CHUNK = 1000  # rows that are raised at a time


class Seen(NamedTuple):
    """What the lowest machine sees.

    Attributes:
        pixels: (N, S, S, C) uint8 of each split that is learned from.
        held_out: the same, by which a machine's passes are compared.
        targets, held_out_targets: their classes, for a machine with labels.
        identity: of the data, as plain JSON values.
    """

    pixels: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    preprocessing: Preprocessing
    targets: NDArray[np.int64]
    held_out_targets: NDArray[np.int64]
    identity: dict[str, Any]


@dataclass(frozen=True)
class Stack:
    """What was learned: the machines, from below, and each one's history."""

    machines: tuple[RBM, ...]
    histories: tuple[tuple[dict[str, float], ...], ...]


def stacked(
    seen: Seen, hidden: Sequence[int], recipe: Recipe, *, gaussian: bool = False,
    linear: bool = False, labels: int = 0, steps: int = 1, chains: int = 0,
    folder: Path | None = None, resume: bool = False, seed: int = 0, seconds: float | None = None,
) -> Stack:  # fmt: skip
    """Machines of so many hidden units each, greedily from below (Hinton et al. 2006, Section 4).

    Args:
        recipe: of a machine of logistic units.
        gaussian: whether the pixels are real numbers of variance 1, or probabilities.
        linear: whether the topmost hidden units are real-valued.
        labels: how many are joined to what the topmost machine sees.
        steps, chains: of the topmost machine (`RBM`).
        folder: in which each machine has its run, one for each state of the machines below: where
            those have gone on, what was learned from them begins anew.
        seconds: for all of them; each has its share of what is left, by its products.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    machines: list[RBM] = []
    histories = []
    data = Rows(seen.pixels, seen.held_out, seen.targets, seen.held_out_targets, seen.identity)
    read: Callable[[Tensor], Tensor] = seen.preprocessing
    widths = [int(np.prod(seen.pixels.shape[1:])), *hidden]
    for place, units in enumerate(hidden):
        top = place == len(hidden) - 1
        joined = labels if top else 0
        with seeded(seed + place):
            machine = RBM(
                widths[place] + joined, units, gaussian=gaussian and not place,
                linear=linear and top, labels=joined, steps=steps if top else 1,
                chains=chains if top else 0,
            )  # fmt: skip
        problem = Machine(read, machine)
        problem.begin(data)
        machine.to(fastest_device())
        rest = [below * above for below, above in pairwise(widths[place:])]
        run = fit(
            machine, problem, data, recipe.but(learning_rate=rate_of(machine, recipe)),
            folder=folder / named(f"layer{place + 1}", machines) if folder else None, resume=resume,
            seed=seed + place,
            seconds=None if deadline is None
            else max(0.0, deadline - time.monotonic()) * rest[0] / sum(rest),
        )  # fmt: skip
        machines.append(machine)
        histories.append(run.history)
        if not top:
            data, read = data.raised(read, machine), as_it_is
    return Stack(tuple(machines), tuple(histories))


def named(name: str, below: Sequence[RBM]) -> str:
    """The folder of a run that depends on these machines: the same for the same weights."""
    seen = hashlib.sha256()
    for machine in below:
        for tensor in machine.state_dict().values():
            seen.update(tensor.cpu().numpy().tobytes())
    return f"{name}-{seen.hexdigest()[:12]}" if below else name


def rate_of(machine: RBM, recipe: Recipe) -> float:
    """That of its kind of units."""
    share = GAUSSIAN if machine.gaussian else LINEAR if machine.linear else 1.0
    return recipe.learning_rate * share


def as_it_is(images: Tensor) -> Tensor:
    return images


class Rows(NamedTuple):
    """What one machine sees: (N, ...) numbers to learn from, and held out, with their classes."""

    train: NDArray[Any]
    held_out: NDArray[Any]
    targets: NDArray[np.int64]
    held_out_targets: NDArray[np.int64]
    identity: dict[str, Any]

    def raised(self, read: Callable[[Tensor], Tensor], machine: RBM) -> "Rows":
        """What a machine makes of them: the means of its hidden units."""
        both = []
        with torch.no_grad():
            for rows in (self.train, self.held_out):
                found = [
                    machine(visible_of(read, rows[first : first + CHUNK], machine)).cpu().numpy()
                    for first in range(0, len(rows), CHUNK)
                ]
                both.append(np.concatenate(found)[:, None, None, :])
        return self._replace(train=both[0], held_out=both[1])


def visible_of(read: Callable[[Tensor], Tensor], rows: NDArray[Any], machine: RBM) -> Tensor:
    """(N, V) of rows (N, S, S, C) that are images, or (N, 1, 1, V)."""
    images = torch.from_numpy(np.array(rows)).to(machine.weight.device)
    return read(images.permute(0, 3, 1, 2)).flatten(1)


class Machine(Problem[Rows, Batch]):
    """Contrastive divergence, and how well a machine gives back what was held out.

    Args:
        read: images (N, C, S, S) as they are kept, to what the machine sees of them.
    """

    score = "explained_variance"

    def __init__(self, read: Callable[[Tensor], Tensor], machine: RBM):
        self.read, self.machine = read, machine

    def begin(self, data: Rows) -> None:
        """Gives the visible units the means of some of the rows."""
        some = data.train[:: -(-len(data.train) // 10_000)]
        targets = data.targets[:: -(-len(data.train) // 10_000)]
        mean = visible_of(self.read, some, self.machine).mean(0)
        if self.machine.labels:
            mean = torch.cat([mean, self._labels(torch.from_numpy(targets)).mean(0)])
        self.machine.begin(mean)

    def _labels(self, targets: Tensor) -> Tensor:
        return F.one_hot(targets, self.machine.labels).float()

    def prepare(self, data: Rows) -> Rows:
        return data

    def examples(self, data: Rows) -> int:
        return len(data.train)

    def batches(
        self, data: Rows, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        some = Batches(data.train, data.targets, size=recipe.batch_size, seed=seed, start=start)
        for batch in some:
            yield Batch(batch.images.to(device), batch.targets.to(device), batch.indices)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        visible = self.read(batch.images).flatten(1)
        if self.machine.labels:
            visible = torch.cat([visible, self._labels(batch.targets)], 1)
        return self.machine.losses(visible)

    def objectives(
        self, model: nn.Module, recipe: Recipe, steps: int
    ) -> Sequence[Objective[Batch]]:
        optimizer = optimizer_for(model, recipe, new=model.parameters())
        return [
            Objective(
                lambda batch: self.losses(model, batch, recipe),
                optimizer,
                RisingMomentum(optimizer, recipe, steps),
            )
        ]

    def evaluate(self, model: nn.Module, data: Rows) -> dict[str, float]:
        """The share of the variance of what was held out that one look up and down keeps."""
        machine, missed, total = self.machine, 0.0, 0.0
        with torch.no_grad():
            mean = visible_of(self.read, data.held_out, machine).double().mean(0)
            for first in range(0, len(data.held_out), CHUNK):
                part = slice(first, first + CHUNK)
                visible = visible_of(self.read, data.held_out[part], machine)
                joined = visible
                if machine.labels:
                    labels = torch.from_numpy(data.held_out_targets[part]).to(visible.device)
                    joined = torch.cat([visible, self._labels(labels)], 1)
                again = machine.dreamed(machine(joined))[:, : visible.shape[1]]
                missed += float((again - visible).double().square().sum())
                total += float((visible - mean).double().square().sum())
        return {"explained_variance": 1 - missed / max(total, 1e-9)}

    def identity(self, data: Rows) -> dict[str, Any]:
        return {**data.identity, "shape": list(self.machine.weight.shape)}


class RisingMomentum(LambdaLR):
    """A recipe's schedule, with a momentum of FIRST_MOMENTUM in the first steps."""

    def __init__(self, optimizer: Optimizer, recipe: Recipe, steps: int):
        self.momentum, self.slow = recipe.momentum, round(SLOW * steps)
        super().__init__(optimizer, rate_factor(recipe, steps))

    def step(self, epoch: int | None = None) -> None:
        super().step(epoch)
        slow = self.last_epoch < self.slow
        for group in self.optimizer.param_groups:
            group["momentum"] = min(FIRST_MOMENTUM, self.momentum) if slow else self.momentum
