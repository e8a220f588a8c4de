"""The whole check: what is wrong with a set, before anything is learned from it."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from striate.checking import duplicates, labels
from striate.checking.findings import Effect, Findings, Suspect
from striate.checking.kinds import KINDS
from striate.checking.leaking import (
    VALIDATION,
    chosen_without,
    scored_without,
    seen_before,
    sentence,
)
from striate.checking.telling import other_lines
from striate.data import SPLITS, Dataset, Prepared
from striate.data import open as open_data

Data = TypeVar("Data", bound=Prepared)


def check(
    data: Dataset | str | Path, *, seed: int = 0, deep: bool = True, judge: bool = True
) -> Findings:
    """Broken inputs, copies, leaks, conflicts, odd ones and probably wrong targets of a set.

    Labels are judged where every input has exactly one (`Targets.single`); what there is to say of
    other targets is in their `doubts` and `facts`.

    Memory is the features of the inputs, of pictures at most 2 kB each beside the mapped pixels;
    time grows with their number.

    Args:
        data: a set, or what `striate.data.open` takes.
        seed: of the splits that the set itself does not have.
        deep: ask a trained network where it is installed; else gradients serve.
        judge: whether to judge the labels, which takes the most time.
    """
    dataset = data if isinstance(data, Dataset) else open_data(data, seed=seed)
    seen = KINDS[dataset.thing].examine(dataset, deep=deep)
    group = duplicates.groups(len(seen.dataset), seen.pairs)
    suspects: tuple[Suspect, ...] = ()
    effect = None
    classes = seen.dataset.targets.single() if judge else None
    if classes is not None:
        numbers = seen.features()
        suspects = _suspects(classes, numbers, group)
        effect = _effect(seen.dataset, classes, numbers, group)
    return Findings(
        dataset=seen.dataset,
        pairs=seen.pairs,
        groups=group,
        odd=seen.odd,
        suspects=suspects,
        judged=classes is not None,
        effect=effect,
    )


def glance(data: Prepared) -> Findings:
    """Copies, leaks, conflicts and uneven classes, from what has been read anyway.

    It costs seconds where learning takes minutes, so that it belongs before every score. Only what
    is beyond doubt is named; `check` looks more closely.
    """
    dataset = data.dataset
    pairs = KINDS[dataset.thing].copies(data)
    return Findings(dataset, pairs, duplicates.groups(len(dataset), pairs))


def trusted(data: Data, *, keep_leaks: bool = False) -> Data:
    """A set whose choices and score may be believed.

    Copies of an input come into one split where striate drew the splits. Where the folder has
    them, validation inputs that are copies of training inputs are not chosen on, and test inputs
    that were learned from are not scored. What a glance finds besides is in the notes.

    Args:
        keep_leaks: score them nevertheless, and say so.

    Raises:
        DataError: if every test input was learned from.
    """
    found = glance(data)
    dataset = data.dataset
    noun = KINDS[dataset.thing].noun
    if len(found.pairs) and dataset.drawn:
        before = dataset.split
        dataset = dataset.together(found.groups)
        if not np.array_equal(before, dataset.split):
            drawn = " and ".join(part for part in SPLITS if part in dataset.drawn)
            dataset = dataset.noted(
                f"copies of one {noun} stay in one split: {drawn} were drawn with regard to them"
            )
    dataset = chosen_without(dataset, seen_before(dataset, found.groups, split=VALIDATION))
    leaks = seen_before(dataset, found.groups)
    if keep_leaks and len(leaks):
        verb = "is" if len(leaks) == 1 else "are"
        dataset = dataset.noted(f"{sentence(dataset, leaks)}, and {verb} scored")
    elif not keep_leaks:
        dataset = scored_without(dataset, leaks)
    rest = other_lines(found)
    more = (f"striate check {dataset.name} shows which",) if rest and found.copies else ()
    return replace(data, dataset=dataset.noted(*rest, *more))


def _suspects(
    classes: NDArray[np.int64], numbers: NDArray[np.float32], group: NDArray[np.int64]
) -> tuple[Suspect, ...]:
    """Labels that a classifier on these numbers (N, D) holds for wrong, the most suspect first."""
    probabilities = labels.out_of_fold(numbers, classes, group, classes=int(classes.max()) + 1)
    found = labels.suspects(probabilities, classes)
    rows = zip(found.rows.tolist(), found.given.tolist(), found.sureness.tolist(), strict=True)
    return tuple(Suspect(row, given, sure) for row, given, sure in rows)


def _effect(
    dataset: Dataset,
    classes: NDArray[np.int64],
    numbers: NDArray[np.float32],
    group: NDArray[np.int64],
) -> Effect | None:
    """What the leaks do to the score of a classifier on these numbers; None without leaks."""
    leaking = seen_before(dataset, group)
    train, test = (np.flatnonzero(dataset.split == SPLITS.index(k)) for k in ("train", "test"))
    clean = ~np.isin(test, leaking)
    if not len(leaking) or not clean.any() or len(np.unique(classes[train])) < 2:
        return None
    right = labels.accuracy(numbers, classes, train, test)
    return Effect(float(right.mean()), float(right[clean].mean()), float(right[~clean].mean()))
