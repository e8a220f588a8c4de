"""From what a person names to a set and the task that learns from it."""

import os
from collections.abc import Sequence
from typing import Any

from striate import data
from striate.data import READERS, Dataset
from striate.errors import DataError, UnknownName
from striate.tasks.contract import Task
from striate.tasks.table import TASKS


def task_named(name: str) -> Task:
    """The task of that name.

    Raises:
        UnknownName: with the closest names.
    """
    if name not in TASKS:
        raise UnknownName("task", name, TASKS)
    return TASKS[name]


def tasks_for(dataset: Dataset[Any]) -> list[Task]:
    """Every task that learns from such inputs and targets; one that a person has to name only
    where there is no other."""
    fitting = [
        task
        for task in TASKS.values()
        if dataset.targets.kind in task.reads and dataset.thing == task.thing
    ]
    return [task for task in fitting if not task.named] or fitting


def task_of(dataset: Dataset[Any], name: str | None = None) -> Task:
    """The task that learns from the targets of a set.

    Raises:
        UnknownName: if there is no task of that name.
        DataError: if it does not read such targets, or if several tasks do and none is named.
    """
    kind = dataset.targets.kind
    if name is not None:
        task = task_named(name)
        if kind not in task.reads:
            raise DataError(
                f"{dataset.name} has {kind}, and {name} learns from {' or '.join(task.reads)}"
            )
        if dataset.thing != task.thing:
            raise DataError(f"{dataset.name} has {dataset.thing}s, and {name} reads {task.thing}s")
        return task
    fitting = tasks_for(dataset)
    if not fitting:
        raise DataError(f"{dataset.name} has {dataset.thing}s with {kind}, and no task reads that")
    if len(fitting) > 1:
        names = " or ".join(task.name for task in fitting)
        raise DataError(f"{dataset.name} can be learned from in several ways: give --task {names}")
    return fitting[0]


def open(
    place: str | os.PathLike[str],
    *,
    task: str | None = None,
    seed: int = 0,
    learn: bool = True,
) -> Dataset[Any]:
    """A set of examples from a folder, a list, a file, or by its name in the catalog.

    Args:
        task: what is to be learned from it, where a folder can be read in several ways.
        seed: of the splits that the folder does not have.
        learn: whether it is to be learned from, or only scored (see `striate.data.open`).

    Raises:
        UnknownName: if it is neither a path here nor a name of the catalog, or there is no such
            task.
        DataError: if there is nothing to learn from; it says what is expected.
    """
    known: Sequence[Task] = (
        [task_named(task)] if task else [each for each in TASKS.values() if not each.named]
    )
    readers = tuple(reader for each in known for reader in each.readers)
    kinds = [kind for each in known for kind in each.reads] if task else None
    things = [each.thing for each in known] if task else None
    return data.open(
        place, seed=seed, kinds=kinds, things=things, readers=(*readers, *READERS), learn=learn
    )
