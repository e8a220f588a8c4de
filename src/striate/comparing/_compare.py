"""The main job: several methods on one set, one after another, in one table, with advice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from striate import progress
from striate.checking import trusted
from striate.comparing.comparison import Comparison
from striate.comparing.expecting import Expected, expected
from striate.comparing.folder import (
    RECOGNIZER,
    SEED,
    identity,
    only_writer,
    see_same,
    see_same_start,
)
from striate.comparing.learning import run_by_all
from striate.comparing.outcome import Outcome
from striate.comparing.rows import chosen_of
from striate.comparing.wishes import Wishes
from striate.data import Dataset, Prepared
from striate.data.splits import TEST
from striate.errors import DataError, UserError
from striate.inference import on_device
from striate.inference.devices import AUTO
from striate.tasks.contract import PUBLISHED, Plan, Task
from striate.tasks.opening import open as open_data
from striate.tasks.opening import task_of
from striate.training import Recipe, group

FEWEST_SECONDS = 1.0  # a time limit in which anything can be learned


def compare(
    data: Dataset[Any] | str | Path,
    methods: Sequence[str] | None = None,
    *,
    task: str | None = None,
    seeds: int | None = None,
    seed: int = 0,
    network: str | None = None,
    weights: str | Path | None = PUBLISHED,
    recipe: Recipe | str | None = None,
    seconds: float | None = None,
    settings: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    keep_leaks: bool = False,
    folder: str | Path | None = None,
    device: str = AUTO,
) -> Comparison:
    """Compares methods on the same split of the same examples.

    Args:
        data: a set, or what `striate.open` takes.
        methods: by name; those that the task compares by default where None.
        task: what is to be learned, where the data can be learned from in several ways.
        seeds: how often each learns; where None, as the method says, most often once.
        seed: the first of them.
        network, weights: of the methods that learn on a network.
        recipe, seconds: how, and how long at most, each method learns that learns by steps.
        settings: each "key=value", instead of the recipe's, as in "batch_size=16".
        options: of the task's own, by name (`Task.options["train"]`).
        keep_leaks: score test examples too that also stand in training.
        folder: for runs and recognizers. A comparison that was stopped, started again with the same
            data and wishes, learns nothing again that stands there.
        device: where networks compute: "auto", "cpu", "cuda", "cuda:1", "mps".
    """
    dataset = data if isinstance(data, Dataset) else open_data(data, task=task, seed=seed)
    known = comparisons(
        dataset,
        task_of(dataset, task),
        methods,
        wishes=Wishes(
            network, weights, recipe, seconds=seconds, settings=tuple(settings), own=options or {}
        ),
        seeds=seeds,
        seed=seed,
        keep_leaks=keep_leaks,
        folder=None if folder is None else Path(folder),
    )
    with on_device(device):
        *_, last = known
    return last


def comparisons(
    dataset: Dataset[Any],
    task: Task,
    methods: Sequence[str] | None = None,
    *,
    wishes: Wishes = Wishes(),  # noqa: B008 (frozen)
    seeds: int | None = None,
    seed: int = 0,
    keep_leaks: bool = False,
    folder: Path | None = None,
    announce: Callable[[tuple[Expected, ...]], None] | None = None,
) -> Iterator[Comparison]:
    """As `compare`, but yields what is known after every run.

    In a group of processes (`training.group`) all learn what is learned by steps; the first one
    does the rest, writes, and is the only one to be told anything.

    All are tested on the same examples, of which those that also stand in training are not scored.
    A validation split that striate drew itself is drawn anew for every further seed, so that the
    intervals tell of that choice too.

    Args:
        announce: is told what learning is expected to take, before it begins.

    Raises:
        UserError: before anything is learned, if something cannot be had or done as asked.
    """
    if seeds is not None and seeds < 1:
        raise UserError(f"--seeds {seeds}: a comparison needs at least one")
    plans = wishes.plans(task, task.compared if methods is None else methods, seed)
    if wishes.seconds is not None and wishes.seconds < FEWEST_SECONDS:
        raise UserError(f"--time-limit {wishes.seconds:g}: nothing is learned in so little time")
    with ExitStack() as stack:
        first = not group.rank()
        if folder is not None and first:
            stack.enter_context(only_writer(folder))
        data = prepared(task, dataset, plans, keep_leaks=keep_leaks)
        if not (data.dataset.split == TEST).any():
            raise DataError(f"{dataset.name}: the test split has no example to compare on")
        draws = Draws(data, seed)
        runs = [
            (with_seed(plan, number), draws[number])
            for plan in plans
            for number in range(seed, seed + (seeds or plan.method.seeds))
        ]
        if folder is not None:
            for plan in plans:
                see_same_start(folder / plan.name, seed)
            for plan, drawn in runs:
                see_same(run_folder(folder, plan), identity(task, drawn.dataset, plan))
        if announce is not None and first:
            with group.alone(awaited=True):
                announce(expected([run for run in runs if not _is_done(folder, run[0])]))
        bar = stack.enter_context(progress.stage("compare approaches", len(runs)))
        outcomes: tuple[Outcome, ...] = ()
        for plan, drawn in runs:
            bar.advance(0, note=_place(plan, plans, seeds or plan.method.seeds, seed))
            place = None if folder is None else run_folder(folder, plan)
            outcome = run_by_all(task, drawn, plan, place)
            bar.advance()
            if outcome is None:
                continue
            outcomes += (outcome,)
            if folder is not None:
                _hand_over(outcomes, folder)
            yield Comparison(task, data, outcomes)


def _place(plan: Plan, plans: Sequence[Plan], seeds: int, first: int) -> str:
    """Where a comparison is, for people: "approach 2 of 4, Transfer, seed 1 of 3"."""
    names = [each.name for each in plans]
    text = f"approach {names.index(plan.name) + 1} of {len(plans)}, {plan.method.title}"
    return text if seeds == 1 else f"{text}, seed {plan.ask.seed - first + 1} of {seeds}"


class Draws:
    """The data of each seed: methods share a draw, and with it what is remembered of its examples.

    Args:
        data: of the first seed.
    """

    def __init__(self, data: Prepared, seed: int):
        self._drawn = {seed: data}
        self._data = data

    def __getitem__(self, seed: int) -> Prepared:
        if seed not in self._drawn:
            redrawn = self._data
            if "validation" in redrawn.dataset.drawn:
                redrawn = replace(redrawn, dataset=redrawn.dataset.redraw(seed))
            self._drawn[seed] = redrawn
        return self._drawn[seed]


def with_seed(plan: Plan, seed: int) -> Plan:
    """The same with another seed."""
    return replace(plan, ask=replace(plan.ask, seed=seed))


def prepared(
    task: Task, dataset: Dataset[Any], plans: Sequence[Plan], *, keep_leaks: bool
) -> Prepared:
    """A set that can be learned from, read once for all plans, whose test may be believed.

    Raises:
        DataError: if there is nothing to learn from, or nothing to score honestly.
    """
    data = task.prepare(task.sound(dataset), plans)
    return trusted(data, keep_leaks=keep_leaks)


def run_folder(folder: Path, plan: Plan) -> Path:
    """Of a method with one seed."""
    return folder / plan.name / f"{SEED}{plan.ask.seed}"


def _is_done(folder: Path | None, plan: Plan) -> bool:
    """Whether an earlier process has learned it."""
    return folder is not None and (run_folder(folder, plan) / RECOGNIZER).is_file()


def _hand_over(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Writes the recognizer of the run that came last, where it is the method's best so far."""
    last = outcomes[-1]
    if chosen_of([outcome for outcome in outcomes if outcome.name == last.name]) is last:
        last.recognizer.save(folder / f"{last.name}.safetensors")
