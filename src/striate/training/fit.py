"""From a model, a task, data and a recipe to a run: logs, evaluates, saves, resumes, stops."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from striate import progress
from striate.ops.memory import keep_memory
from striate.training.compiling import compiling
from striate.training.keeper import Keeper
from striate.training.loop import Objective, train
from striate.training.modes import learning, patient, seeded, threads
from striate.training.recipes import Recipe
from striate.training.task import Task

Data = TypeVar("Data")


@dataclass(frozen=True)
class Run:
    """What came of learning: the model with its best weights, and how it got there."""

    model: nn.Module
    recipe: Recipe
    history: tuple[dict[str, float], ...]
    """One row an epoch: `step`, `epoch`, `loss` (mean over the epoch) and the task's metrics. Where
    the recipe keeps the start, the first row is epoch 0 and has no loss."""
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
    """Trains `model` in place, on the device it is on, and leaves it with the weights that scored
    best on validation.

    With a folder, the run survives being killed: called again with `resume`, it goes on after the
    last saved step and ends in the same weights, bit for bit on one device. Ctrl-C finishes the
    step in hand and saves it before it stops.

    Raises:
        DataError: if the folder holds a run already, or one that began differently.
        Diverged: if a loss stops being finite.
        KeyboardInterrupt: after Ctrl-C.
        ValueError: if the recipe has no epoch or the data no example.
    """
    keep_memory()
    data = task.prepare(data)
    steps_per_epoch = math.ceil(task.examples(data) / recipe.batch_size)
    steps = recipe.epochs * steps_per_epoch
    if not steps:
        raise ValueError(
            f"{recipe.epochs} epochs of {task.examples(data)} examples teach nothing; "
            "both must be 1 or more"
        )
    keeper = Keeper(model, recipe.average, Path(folder) if folder else None)
    try:
        with seeded(seed), threads(recipe.threads):
            objectives = task.objectives(model, recipe, steps)
            about = {"recipe": recipe.to_json(), "seed": seed, **task.identity(data)}
            start = keeper.begin(about, objectives, resume=resume)
            if recipe.keep_start and not keeper.history:
                keeper.evaluated({"step": 0, "epoch": 0, **task.evaluate(model, data)}, task.score)
            _learn(task, data, recipe, keeper, objectives, start, steps, steps_per_epoch, seed)
        keeper.put_best_back()
    finally:
        keeper.close()
    best = keeper.best(task.score)
    assert best is not None  # every run has an epoch, and each ends with an evaluation
    return Run(model, recipe, tuple(keeper.history), best, keeper.path)


def _learn(
    task: Task[Data, Any],
    data: Data,
    recipe: Recipe,
    keeper: Keeper,
    objectives: Sequence[Objective[Any]],
    start: int,
    steps: int,
    steps_per_epoch: int,
    seed: int,
) -> None:
    rest = 0 if _has_stopped(keeper, task.score, recipe) else steps - start
    batches = islice(task.batches(data, recipe, seed=seed, start=start), rest)
    with (
        patient() as interrupted,
        progress.stage("train", steps) as bar,
        learning(keeper.model, freeze_statistics=recipe.freeze_statistics),
        compiling(keeper.model, recipe.compile, steps) as form,
    ):
        bar.advance(start)
        begun = before = time.perf_counter()
        for step in train(objectives, batches, start=start):
            now = time.perf_counter()
            form.stepped(step.number, now - before)
            keeper.stepped(step.number, step.losses)
            speed = recipe.batch_size * (step.number - start) / (now - begun)
            bar.advance(note=f"loss {keeper.losses[-1]:.3f}, {speed:,.0f} images/s")
            if step.number % steps_per_epoch == 0:
                row = {
                    "step": step.number,
                    "epoch": step.number // steps_per_epoch,
                    "loss": sum(keeper.losses) / len(keeper.losses),
                }
                with keeper.weights_to_keep():
                    keeper.evaluated({**row, **task.evaluate(keeper.model, data)}, task.score)
                keeper.losses.clear()
                keeper.save(step.number, objectives)
                if _has_stopped(keeper, task.score, recipe):
                    break
                begun += time.perf_counter() - now  # learning alone is timed
            else:
                keeper.save_now_and_then(step.number, objectives)
            if interrupted():
                keeper.save(step.number, objectives)
                raise KeyboardInterrupt
            before = time.perf_counter()


def _has_stopped(keeper: Keeper, score: str, recipe: Recipe) -> bool:
    """Whether the last `patience` epochs brought nothing better."""
    best = keeper.best(score)
    if recipe.patience is None or best is None:
        return False
    return keeper.history[-1]["epoch"] - best["epoch"] >= recipe.patience
