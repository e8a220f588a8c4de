"""Ten-fold cross-validation: every input is scored once, by what was learned from the others."""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from striate.data.dataset import Dataset
from striate.data.splits import TEST, TRAIN, VALIDATION, stratified
from striate.errors import UserError


def folds(
    dataset: Dataset[Any], count: int = 10, *, seed: int = 0, validation: float = 0.1
) -> tuple[Dataset[Any], ...]:
    """The set with each of `count` folds as its test split in turn, whatever its splits are.

    Args:
        validation: the share of the other inputs that choices are made on.

    Raises:
        ValueError: if there are fewer inputs (or groups of inputs, which stay together) than folds,
            or fewer than two folds.
    """
    groups, what = dataset.groups, "inputs"
    if groups is None:
        groups = np.arange(len(dataset))
    else:
        what = "groups of inputs"
    _, first, place = np.unique(groups, return_index=True, return_inverse=True)
    if not 2 <= count <= len(first):
        raise ValueError(f"{len(first)} {what} cannot be cut into {count} folds")
    strata = dataset.targets.strata()
    order = np.random.default_rng(seed).permutation(len(first))
    order = order[np.argsort(strata[first][order], kind="stable")]
    turn = np.empty(len(first), np.int64)
    turn[order] = np.arange(len(first)) % count
    fold = turn[place.reshape(-1)]
    found = []
    for number in range(count):
        rest = np.flatnonzero(fold != number)
        keys = [dataset.inputs.name(row) for row in rest.tolist()]
        together = None if dataset.groups is None else dataset.groups[rest]
        held = stratified(strata[rest], validation, seed=seed, keys=keys, keep=1, groups=together)
        split = np.full(len(dataset), TEST, np.int8)
        split[rest] = np.where(held, VALIDATION, TRAIN)
        found.append(replace(dataset, split=split, drawn=frozenset({"validation"})))
    return tuple(found)


def fold_of(dataset: Dataset[Any], which: str, *, seed: int = 0) -> Dataset[Any]:
    """The set with one fold as its test split; its name tells which.

    Args:
        which: "3/10" is the third of ten.

    Raises:
        UserError: if there is no such fold.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", which.strip())
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise UserError(f"--fold {which}: expected one of N parts, as in 1/10, 2/10 ... 10/10")
    try:
        chosen = folds(dataset, count, seed=seed)[number - 1]
    except ValueError as error:
        raise UserError(f"--fold {which}: {error}") from error
    return replace(chosen, name=f"{dataset.name}-fold-{number}-of-{count}")
