"""From a model, a task, data and a recipe to a run: logs, evaluates, saves, resumes, stops."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from striate import progress
from striate.training.checkpoints import (
    load_checkpoint,
    load_tensors,
    save_checkpoint,
    save_tensors,
)
from striate.training.loop import Objective, train
from striate.training.modes import learning, seeded, threads
from striate.training.recipes import Recipe
from striate.training.run import RunFolder
from striate.training.task import Task

SECONDS_BETWEEN_SAVES = 60.0

Data = TypeVar("Data")


@dataclass(frozen=True)
class Run:
    """What came of learning: the model with its best weights, and how it got there."""

    model: nn.Module
    recipe: Recipe
    history: tuple[dict[str, float], ...]
    """One row an epoch: `step`, `epoch`, `loss` (mean over the epoch) and the task's metrics."""
    best: dict[str, float]
    """The row of the kept weights."""
    folder: Path | None = None


def fit(
    model: nn.Module,
    task: Task[Data, Any],
    data: Data,
    recipe: Recipe,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    seed: int = 0,
) -> Run:
    """Trains `model` in place and leaves it with the weights that scored best on validation.

    With a folder, the run survives being killed: called again with `resume`, it goes on after the
    last saved step and ends in the same weights, bit for bit on one device.

    Raises:
        DataError: if the folder holds a run already, or one that began differently.
        Diverged: if a loss stops being finite.
        ValueError: if the recipe has no epoch or the data no example.
    """
    data = task.prepare(data)
    steps_per_epoch = math.ceil(task.examples(data) / recipe.batch_size)
    steps = recipe.epochs * steps_per_epoch
    if not steps:
        raise ValueError(
            f"{recipe.epochs} epochs of {task.examples(data)} examples teach nothing; "
            "both must be 1 or more"
        )
    keeper = _Keeper(model, Path(folder) if folder else None)
    try:
        return _learn(model, task, data, recipe, keeper, steps, steps_per_epoch, resume, seed)
    finally:
        keeper.close()


def _learn(
    model: nn.Module,
    task: Task[Data, Any],
    data: Data,
    recipe: Recipe,
    keeper: "_Keeper",
    steps: int,
    steps_per_epoch: int,
    resume: bool,
    seed: int,
) -> Run:
    with seeded(seed), threads(recipe.threads), progress.stage("train", steps) as bar:
        objectives = task.objectives(model, recipe, steps)
        about = {"recipe": recipe.to_json(), "seed": seed, **task.identity(data)}
        start = keeper.begin(about, objectives, resume=resume)
        history, losses = keeper.history, keeper.losses
        best = max(history, key=lambda row: row[task.score], default=None)
        bar.advance(start)
        with learning(model, freeze_statistics=recipe.freeze_statistics):
            rest = 0 if _has_stopped(history, best, recipe) else steps - start
            batches = islice(task.batches(data, recipe, seed=seed, start=start), rest)
            for step in train(objectives, batches, start=start):
                losses.append(sum(float(loss) for loss in step.losses.values()))
                bar.advance(note=f"loss {losses[-1]:.3f}")
                if step.number % steps_per_epoch:
                    keeper.save_now_and_then(step.number, objectives)
                    continue
                row = {
                    "step": step.number,
                    "epoch": step.number // steps_per_epoch,
                    "loss": sum(losses) / len(losses),
                    **task.evaluate(model, data),
                }
                losses.clear()
                history.append(row)
                keeper.log(row)
                if best is None or row[task.score] > best[task.score]:
                    best = row
                    keeper.keep_best()
                keeper.save(step.number, objectives)
                if _has_stopped(history, best, recipe):
                    break
        keeper.put_best_back()
    assert best is not None  # every run has an epoch, and each ends with an evaluation
    return Run(model, recipe, tuple(history), best, keeper.path)


class _Keeper:
    """Keeps what a run must not lose: in its folder, or (the best weights alone) in memory."""

    def __init__(self, model: nn.Module, path: Path | None):
        self.model, self.path = model, path
        self.files = RunFolder(path) if path else None
        self.history: list[dict[str, float]] = []
        self.losses: list[float] = []
        self.saved = time.monotonic()
        self.weights: dict[str, Tensor] = {}

    def begin(
        self, about: dict[str, Any], objectives: Sequence[Objective[Any]], *, resume: bool
    ) -> int:
        """Puts back what an earlier process saved; returns the number of steps it did."""
        if not self.files:
            return 0
        step = 0
        if self.files.begin(about, resume=resume):
            step, self.losses = load_checkpoint(self.files.checkpoint, self.model, objectives)
        self.history = self.files.history(until=step)
        return step

    def keep_best(self) -> None:
        if self.files:
            save_tensors(self.files.best, self.model.state_dict(), {})
        else:
            self.weights = {name: t.clone() for name, t in self.model.state_dict().items()}

    def put_best_back(self) -> None:
        weights = load_tensors(self.files.best)[0] if self.files else self.weights
        self.model.load_state_dict(weights)

    def close(self) -> None:
        if self.files:
            self.files.close()

    def log(self, row: dict[str, float]) -> None:
        if self.files:
            self.files.log(row)

    def save(self, step: int, objectives: Sequence[Objective[Any]]) -> None:
        if self.files:
            save_checkpoint(self.files.checkpoint, step, self.model, objectives, losses=self.losses)
            self.saved = time.monotonic()

    def save_now_and_then(self, step: int, objectives: Sequence[Objective[Any]]) -> None:
        if time.monotonic() - self.saved > SECONDS_BETWEEN_SAVES:
            self.save(step, objectives)


def _has_stopped(
    history: Sequence[dict[str, float]], best: dict[str, float] | None, recipe: Recipe
) -> bool:
    """Whether the last `patience` epochs brought nothing better."""
    if recipe.patience is None or best is None:
        return False
    return history[-1]["epoch"] - best["epoch"] >= recipe.patience
