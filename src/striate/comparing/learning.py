"""A method with one seed: from prepared data, or what its folder holds, to a tested recognizer."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from striate.comparing.folder import (
    RECOGNIZER,
    begin,
    begun,
    identity,
    learned_from,
    only_writer,
    see_same,
    undone_if_nothing,
)
from striate.comparing.memory import PeakMemory
from striate.comparing.outcome import Outcome
from striate.data import Prepared
from striate.data.splits import TEST
from striate.errors import DataError, WeightsError
from striate.inference import fastest_device
from striate.ops.memory import keep_memory
from striate.plain import plain
from striate.recognizer import Recognizer, load
from striate.tasks.contract import Answered, Learned, Plan, Predictor, Task
from striate.training import group

TIMED = 16  # test examples that are answered for the time alone, where the answers are known


def run(
    task: Task, data: Prepared, plan: Plan, folder: Path | None = None, *, resume: bool = True
) -> Outcome:
    """Learns from training and validation examples, then tests.

    Args:
        data: as `Task.prepare` gave it.
        folder: of the run. What was learned there is tested, and not learned again; a run that was
            stopped there goes on.
        resume: take up what is there; else it must be empty.

    Raises:
        DataError: if the folder holds a run and `resume` is not asked, or another run.
        UserError: if another process writes to it.
    """
    asked = identity(task, data.dataset, plan)
    if folder is None:
        learned = _learned(task, data, plan, asked)
        return learned if group.rank() else _tested(learned)
    if begun(folder) and not resume:
        raise DataError(
            f"{folder} holds a run already; go on with --resume {folder}, or give another --out"
        )
    see_same(folder, asked)
    with only_writer(folder):
        begin(folder, asked)
        path = folder / RECOGNIZER
        if path.is_file():
            outcome = _learned_before(data, plan, path)
        else:
            plan = replace(plan, ask=replace(plan.ask, folder=folder, resume=resume))
            with undone_if_nothing(folder):
                outcome = _learned(task, data, plan, asked)
            if group.rank():
                return outcome  # the first process of a group keeps and tests it
            outcome.recognizer.save(path)  # before the test: it is what took long
        tested = _tested(replace(outcome, folder=folder))
        if tested.recognizer.provenance != outcome.recognizer.provenance:
            tested.recognizer.save(path)
        return tested


def run_by_all(
    task: Task, data: Prepared, plan: Plan, folder: Path | None = None
) -> Outcome | None:
    """As `run`; in a group of processes all learn what is learned by steps, and the first alone
    everything else, while the others wait.

    Returns:
        the outcome for the first process, None for the others.
    """
    first = not group.rank()
    done = folder is not None and (folder / RECOGNIZER).is_file()
    if group.agreed(done) or not plan.method.by_epochs:
        if not first:
            return None
        with group.alone(awaited=True):
            return run(task, data, plan, folder)
    with nullcontext() if folder is None else group.own_folder(folder) as place:
        outcome = run(task, data, plan, place)
    return outcome if first else None


def _learned(task: Task, data: Prepared, plan: Plan, asked: dict[str, Any]) -> Outcome:
    device = fastest_device()
    keep_memory()
    with PeakMemory() as memory, torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(plan.ask.seed)
        learned = plan.method.learn(data, plan.ask)
    dataset = data.dataset
    provenance = {
        "striate": asked["striate"],
        "method": plan.name,
        "approach": plan.method.approach,
        "network": learned.network,
        "weights": asked["weights"] if learned.network else None,
        "seed": plan.ask.seed,
        "asked": asked,
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint(),
            "learned": learned_from(dataset)[0],
        },
        "recipe": learned.recipe,
        "seconds": learned.seconds,
        "validation": learned.validation,
        "history": learned.history,
        "memory": memory.bytes,
        "notes": learned.notes,
    }
    recognizer = Recognizer(task, learned.predictor, dataset.classes, plain(provenance))
    return Outcome(plan.name, plan.method, plan.ask.seed, recognizer, learned, data, memory.bytes)


def _learned_before(data: Prepared, plan: Plan, path: Path) -> Outcome:
    """What a file holds that an earlier process wrote.

    Raises:
        WeightsError: if it is damaged.
    """
    recognizer = load(path, device=str(fastest_device()))
    known = recognizer.provenance
    try:
        learned = Learned(
            recognizer.predictor,
            _numbers(known["validation"]),
            _numbers(known["seconds"]),
            known["network"],
            tuple(_numbers(row) for row in known["history"]),
            dict(known["recipe"]),
            tuple(str(note) for note in known["notes"]),
        )
        memory = int(known["memory"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path} does not say how it was learned; move it away") from error
    return Outcome(plan.name, plan.method, plan.ask.seed, recognizer, learned, data, memory)


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """Numbers by name, as they were before JSON made null of nan."""
    return {name: float("nan") if one is None else one for name, one in values.items()}


def _tested(outcome: Outcome) -> Outcome:
    """The same with its answers to the test examples, if there are any, and what they are worth in
    the recognizer's provenance."""
    rows = np.flatnonzero(outcome.data.dataset.split == TEST).tolist()
    if not rows:
        return outcome
    with group.alone(awaited=True):
        answered = _answered(outcome, rows)
    if kept := seconds_kept(outcome.recognizer.provenance):
        answered = answered._replace(seconds=kept)
    if not answered.rows:
        name, why = answered.broken[0]
        raise DataError(f"{outcome.data.dataset.name}: no test example can be read: {name} {why}")
    outcome = replace(outcome, answered=answered)
    scores = outcome.scored(answered)
    test = {
        "examples": scores.examples,
        "drawn": scores.drawn,
        "score": outcome.recognizer.task.score,
        "value": scores.value,
        "interval": scores.interval,
        "metrics": dict(scores.metrics),
        "seconds": answered.seconds,
    }
    recognizer = outcome.recognizer.with_provenance(test=plain(test))
    return replace(outcome, recognizer=recognizer)


def seconds_kept(provenance: Mapping[str, Any]) -> float | None:
    """To answer an example, as measured when it was first tested: what is asked again is told the
    same, and advised the same; None where none was written down."""
    test = provenance.get("test")
    seconds = test.get("seconds") if isinstance(test, dict) else None
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None


def _answered(outcome: Outcome, rows: list[int]) -> Answered:
    task, known = outcome.recognizer.task, outcome.learned.answers
    predictor: Predictor = outcome.recognizer.predictor
    if known is None:
        return task.answered(predictor, outcome.data, rows)
    timed = task.answered(predictor, outcome.data, rows[:TIMED])
    return Answered(tuple(rows), known, timed.seconds)
