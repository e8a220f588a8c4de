"""What is scored or chosen on although it was learned from, and a set without it."""

import numpy as np
from numpy.typing import NDArray

from striate.data import SPLITS, Dataset
from striate.data.splits import joined
from striate.errors import DataError

VALIDATION, TEST = SPLITS.index("validation"), SPLITS.index("test")


def seen_before(
    dataset: Dataset, groups: NDArray[np.int64], *, split: int = TEST
) -> NDArray[np.int64]:
    """Rows of a split that are the same as a row of a split before it, or are about the same
    picture.

    Args:
        groups: (N,) equal for rows that are the same.
    """
    if dataset.groups is not None and shared(dataset):
        groups = joined(groups, dataset.groups)
    before = np.unique(groups[(dataset.split >= 0) & (dataset.split < split)])
    return np.flatnonzero((dataset.split == split) & np.isin(groups, before))


def shared(dataset: Dataset) -> str:
    """What inputs of one group have in common so that whoever knows one knows of the others: the
    "picture" that several questions are about; "" where there is nothing like it."""
    found: str = getattr(dataset.inputs, "shared", "")
    return found


def sentence(dataset: Dataset, rows: NDArray[np.int64]) -> str:
    """What to say of leaking test images, to people.

    >>> from striate.data import open
    >>> sentence(open("digits"), np.arange(37))
    '37 of 359 test images (10.3 %) also stand in training or validation'
    >>> sentence(open("digits"), np.arange(1))
    '1 of 359 test images (0.28 %) also stands in training or validation'
    """
    count = int((dataset.split == TEST).sum())
    share = len(rows) / max(count, 1)
    stand = "stands" if len(rows) == 1 else "stand"
    also = f"also {stand} in"
    if common := shared(dataset):
        also = f"{'is' if len(rows) == 1 else 'are'} about a {common} that also stands in"
    part = "training or validation" if (dataset.split == 1).any() else "training"
    percent = f"{100 * share:.1f}" if share >= 0.01 else f"{100 * share:.2g}"
    return f"{len(rows):,} of {count:,} test {dataset.thing}s ({percent} %) {also} {part}"


def scored_without(dataset: Dataset, leaking: NDArray[np.int64]) -> Dataset:
    """The set with these test images in no split, and a note that says so.

    Raises:
        DataError: if no test image would be left.
    """
    if not len(leaking):
        return dataset
    told = sentence(dataset, leaking)
    if len(leaking) == int((dataset.split == TEST).sum()):
        raise DataError(f"{dataset.name}: {told}; no score would mean anything. Test on others")
    aside = dataset.set_aside(dict.fromkeys(leaking.tolist(), "also learned from"))
    return aside.noted(f"{told}; not scored")


def chosen_without(dataset: Dataset, early: NDArray[np.int64]) -> Dataset:
    """The set with these validation images in no split, and a note that says so; where that leaves
    none, validation images are drawn from the training images."""
    if not len(early):
        return dataset
    total = int((dataset.split == VALIDATION).sum())
    stand = "stands" if len(early) == 1 else "stand"
    told = f"{len(early):,} of {total:,} validation {dataset.thing}s also {stand} in training"
    aside = dataset.set_aside(dict.fromkeys(early.tolist(), "also in training: not chosen on"))
    if len(early) < total:
        return aside.noted(f"{told}; nothing is chosen on them")
    return aside.complete(dataset.seed).noted(f"{told}; others were drawn to choose on")
