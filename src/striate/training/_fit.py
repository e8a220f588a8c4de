"""From a model, a problem, data and a recipe to a run: logs, evaluates, saves, resumes, stops."""

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import nn

from striate import progress
from striate.data.names import epochs
from striate.errors import DataError, Diverged, WeightsError
from striate.inference.devices import device_of
from striate.ops.memory import keep_memory
from striate.training import group
from striate.training.compiling import compiling
from striate.training.keeper import Keeper
from striate.training.loop import Objective, train
from striate.training.loop import learning as moved
from striate.training.modes import learning, patient, seeded, threads
from striate.training.precision import rounding
from striate.training.problem import Problem
from striate.training.recipe import Recipe
from striate.training.seeds import seed_of
from striate.training.sharding import Shards

Data = TypeVar("Data")


@dataclass(frozen=True)
class Run:
    """What came of learning: the model with its best weights, and how it got there."""

    model: nn.Module
    recipe: Recipe
    history: tuple[dict[str, float], ...]
    """One row an epoch: `step`, `epoch`, `loss` (mean over the epoch) and the problem's metrics.
    Where the recipe keeps the start, the first row is epoch 0 and has no loss; where the time was
    up within an epoch, the last row has a fraction of it."""
    best: dict[str, float]
    """The row of the kept weights."""
    folder: Path | None = None

    @property
    def kept(self) -> str:
        """Which weights are kept, as in "epoch 3 of 19.5"; or that none were better than those
        that it began with."""
        best, last = (epochs(row["epoch"]) for row in (self.best, self.history[-1]))
        if self.best["epoch"]:
            return f"epoch {best} of {last}"
        return f"nothing better in {last} epoch{'' if last == '1' else 's'}"


def fit(
    model: nn.Module,
    problem: Problem[Data, Any],
    data: Data,
    recipe: Recipe,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    seed: int = 0,
    seconds: float | None = None,
) -> Run:
    """Trains `model` in place, on the device it is on, and leaves it with the weights that scored
    best on validation.

    With a folder, the run survives being killed: called again with `resume`, it goes on after the
    last saved step and ends in the same weights, bit for bit on one device. Ctrl-C finishes the
    step in hand and saves it before it stops.

    In a group of processes (`training.group`) all call this alike; the first one evaluates and
    writes, and all end with the same weights.

    Args:
        seconds: that this call may take; it ends after the step that reaches them, with an
            evaluation of its own.

    Raises:
        DataError: if the folder holds a run already, or one that began differently.
        WeightsError: if a file of the run is damaged.
        Diverged: if a loss, a weight or a metric stops being finite.
        KeyboardInterrupt: after Ctrl-C.
        ValueError: if the recipe has no epoch or the data no example.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    keep_memory()
    data = problem.prepare(data)
    steps_per_epoch = math.ceil(problem.examples(data) / recipe.batch_size)
    steps = recipe.epochs * steps_per_epoch
    if not steps:
        raise ValueError(
            f"{recipe.epochs} epochs of {problem.examples(data)} examples teach nothing; "
            "both must be 1 or more"
        )
    group.same_weights(model)
    shards = Shards(model) if recipe.shard_parameters and group.size() > 1 else None
    keeper = Keeper(model, recipe.average, Path(folder) if folder else None, shards)
    try:
        with seeded(seed), threads(recipe.threads):
            objectives = problem.objectives(keeper.learner, recipe, steps)
            if shards:
                shards.see_all_divided(chain(*(moved(one.optimizer) for one in objectives)))
            about = {"recipe": recipe.to_json(), "seed": seed, **problem.identity(data)}
            start = keeper.begin(about, objectives, problem.score, resume=resume)
            if start != group.agreed(start):
                raise DataError(
                    f"this process does not see the run in {folder}; put it where all see it"
                )
            if shards:
                shards.spread()
            if group.rank():  # else dropout would leave out the same in every part
                torch.manual_seed(seed_of(seed, group.rank(), start))
            if start > steps:
                raise WeightsError(f"{folder} is at step {start:,} of {steps:,}: it is damaged")
            if recipe.keep_start and not keeper.history:
                _evaluate(problem, data, recipe, keeper, {"step": 0, "epoch": 0})
            form = _Form(steps, steps_per_epoch, seed, deadline)
            _learn(problem, data, recipe, keeper, objectives, start, form)
        if not group.rank():
            keeper.put_best_back()
        group.same_weights(model)
    finally:
        keeper.close()
    best = keeper.best(problem.score)
    assert best is not None  # every run has an epoch, and each ends with an evaluation
    return Run(model, recipe, tuple(keeper.history), best, keeper.path)


class _Form(NamedTuple):
    """How far a run goes, and what its batches are drawn from."""

    steps: int
    steps_per_epoch: int
    seed: int
    deadline: float


def _learn(
    problem: Problem[Data, Any],
    data: Data,
    recipe: Recipe,
    keeper: Keeper,
    objectives: Sequence[Objective[Any]],
    start: int,
    form: _Form,
) -> None:
    rest = 0 if _has_stopped(keeper, problem.score, recipe) else form.steps - start
    device = device_of(keeper.model)
    batches = problem.batches(data, recipe, seed=form.seed, start=start, device=device)
    with (
        patient() as interrupted,
        progress.stage("learn, step by step", form.steps) as bar,
        learning(keeper.learner, freeze_statistics=recipe.freeze_statistics),
        compiling(keeper.learner, recipe.compile, form.steps) as compiled,
        group.synchronized(keeper.learner) if recipe.synchronize_statistics else nullcontext(),
    ):
        bar.advance(start)
        begun = before = time.perf_counter()
        for step in train(objectives, islice(batches, rest), start=start):
            now = time.perf_counter()
            compiled.stepped(step.number, now - before)
            if keeper.shards and step.number == start + 1:
                keeper.shards.see_learning()
            keeper.stepped(step.number, step.losses)
            speed = recipe.batch_size * (step.number - start) / (now - begun)
            epoch, within = divmod(step.number, form.steps_per_epoch)
            bar.advance(
                note=f"epoch {epoch + bool(within)} of {recipe.epochs}, "
                f"loss {keeper.losses[-1]:.3f}, {speed:,.0f} examples/s"
            )
            late, stopped, aged = group.any_of(
                time.monotonic() >= form.deadline, interrupted(), keeper.aged()
            )
            due = not within and (not epoch % problem.every or step.number == form.steps)
            if late or due:
                row = {
                    "step": step.number,
                    "epoch": epoch if not within else step.number / form.steps_per_epoch,
                    "loss": sum(keeper.losses) / len(keeper.losses),
                }
                with keeper.weights_to_keep():
                    _evaluate(problem, data, recipe, keeper, row)
                keeper.losses.clear()
                keeper.save(step.number, objectives)
                if late or _has_stopped(keeper, problem.score, recipe):
                    break
                begun += time.perf_counter() - now  # learning alone is timed
            elif aged:
                keeper.save(step.number, objectives)
            if stopped:
                keeper.save(step.number, objectives)
                raise KeyboardInterrupt
            before = time.perf_counter()


def _evaluate(
    problem: Problem[Data, Any],
    data: Data,
    recipe: Recipe,
    keeper: Keeper,
    row: dict[str, float],
) -> None:
    """Adds the metrics of the weights that the model has now to a row, and keeps both.

    Raises:
        Diverged: if a weight or a metric is not finite.
    """
    when, hint = f"epoch {row['epoch']:g}", "a smaller learning rate may help"
    if not row["step"]:
        when, hint = "before the first step", "other weights must be given"
    for name, tensor in keeper.model.state_dict().items():
        if not bool(tensor.isfinite().all()):
            raise Diverged(f"{when}: {name} is not finite; {hint}")
    metrics: dict[str, float] = {}
    precision = recipe.precision if problem.evaluated_rounded else "float32"
    with rounding(precision, keeper.model):
        if problem.evaluated_by_all:
            group.same_statistics(keeper.model)
            metrics = problem.evaluate(keeper.model, data)
        elif not group.rank():
            with group.alone(awaited=True):
                metrics = problem.evaluate(keeper.model, data)
    metrics = group.agreed(metrics)
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise Diverged(f"{when}: {name} is {value}; {hint}")
    keeper.evaluated({**row, **metrics}, problem.score)


def _has_stopped(keeper: Keeper, score: str, recipe: Recipe) -> bool:
    """Whether the last `patience` epochs brought nothing better."""
    best = keeper.best(score)
    if recipe.patience is None or best is None:
        return False
    return keeper.history[-1]["epoch"] - best["epoch"] >= recipe.patience
