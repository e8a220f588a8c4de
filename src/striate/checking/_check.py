"""The whole check: what is wrong with a set of images, before anything is learned from it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.checking import duplicates, features, labels
from striate.checking.appearance import VIEW, looks
from striate.checking.findings import Effect, Findings, Suspect
from striate.checking.leaking import (
    VALIDATION,
    chosen_without,
    scored_without,
    seen_before,
    sentence,
)
from striate.checking.oddities import odd, sizes
from striate.checking.telling import other_lines
from striate.data import SMALL, SPLITS, Dataset, Decoded, decode, native
from striate.data import open as open_data
from striate.data.contents import WIDTH, contents_of, stamps_of
from striate.data.store import stores
from striate.images import View


def check(
    data: Dataset | str | Path, *, seed: int = 0, deep: bool = True, judge: bool = True
) -> Findings:
    """Broken files, duplicates, leaks, conflicts, odd pictures and probably wrong targets of a set.

    Labels are judged where every image has exactly one (`Targets.single`); what there is to say of
    other targets is in their `doubts` and `facts`.

    Memory is the features of the pictures, at most 2 kB each beside the mapped pixels; time grows
    with the number of pictures.

    Args:
        data: a set, or what `striate.data.open` takes.
        seed: of the splits that the set itself does not have.
        deep: ask a trained network where it is installed; else gradients serve.
        judge: whether to judge the labels, which takes the most time.
    """
    dataset = data if isinstance(data, Dataset) else open_data(data, seed=seed)
    side, gray = native(dataset)
    small = side <= SMALL
    # Of small gray pictures (digits) gradients say more than a network trained on photographs.
    view = features.deep_view(side) if deep and not (small and gray) else None
    decoded = decode(dataset, [VIEW] if view is None else [VIEW, view])
    seen = looks(decoded.pixels[VIEW])
    said = None if view is None else features.deep(decoded, view)
    pairs = duplicates.find(seen, marks(decoded.dataset, [VIEW]), small=small, features=said)
    pairs = same_targets_if_mirrored(decoded.dataset, pairs)
    group = duplicates.groups(len(seen), pairs)
    suspects: tuple[Suspect, ...] = ()
    effect = None
    classes = decoded.dataset.targets.single() if judge else None
    if classes is not None:
        numbers = features.plain(decoded, seen.vectors) if said is None else said
        suspects = _suspects(classes, numbers, group)
        effect = _effect(decoded.dataset, classes, numbers, group)
    return Findings(
        dataset=decoded.dataset,
        pairs=pairs,
        groups=group,
        odd=odd(decoded, sizes(decoded.dataset), seen.flat),
        suspects=suspects,
        judged=classes is not None,
        effect=effect,
    )


def glance(data: Decoded) -> Findings:
    """Copies, leaks, conflicts and uneven classes, from the pixels that are there anyway.

    It costs seconds where learning takes minutes, so that it belongs before every score. Only what
    is beyond doubt is named; `check` looks more closely.
    """
    dataset = data.dataset
    view = min(data.pixels, key=lambda one: (one.size < VIEW.size, one.fit == "crop", one.size))
    small = native(dataset)[0] <= SMALL
    pairs = duplicates.find(
        looks(data.pixels[view]), marks(dataset, list(data.pixels)), small=small
    )
    pairs = same_targets_if_mirrored(dataset, pairs)
    return Findings(dataset, pairs, duplicates.groups(len(dataset), pairs))


def trusted(data: Decoded, *, keep_leaks: bool = False) -> Decoded:
    """A set whose choices and score may be believed.

    Copies of a picture come into one split where striate drew the splits. Where the folder has
    them, validation images that are copies of training images are not chosen on, and test images
    that were learned from are not scored. What a glance finds besides is in the notes.

    Args:
        keep_leaks: score them nevertheless, and say so.

    Raises:
        DataError: if every test image was learned from.
    """
    found = glance(data)
    dataset = data.dataset
    if len(found.pairs) and dataset.drawn:
        before = dataset.split
        dataset = dataset.together(found.groups)
        if not np.array_equal(before, dataset.split):
            drawn = " and ".join(part for part in SPLITS if part in dataset.drawn)
            dataset = dataset.noted(
                f"copies of one picture stay in one split: {drawn} were drawn with regard to them"
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


def same_targets_if_mirrored(dataset: Dataset, pairs: duplicates.Pairs) -> duplicates.Pairs:
    """The pairs without mirror images that are marked otherwise: an arrow to the left and one to
    the right are not the same picture."""
    key = dataset.targets.key
    mirrored = zip(pairs.first.tolist(), pairs.second.tolist(), pairs.mirror.tolist(), strict=True)
    return pairs.take(
        np.array([not mirror or key(one) == key(two) for one, two, mirror in mirrored], bool)
    )


def marks(dataset: Dataset, views: Iterable[View]) -> NDArray[np.uint8]:
    """A hash (N, 16) of each file's bytes, or of the pixels of what is no file."""
    if dataset.inputs.path(0) is None:
        every = b"".join(dataset.inputs.mark(row)[:WIDTH] for row in range(len(dataset)))
        return np.frombuffer(every, np.uint8).reshape(-1, WIDTH)
    paths = [str(dataset.inputs.path(row)) for row in range(len(dataset))]
    known: dict[bytes, bytes] = {}
    for view in views:
        for store in stores(view):  # what was decoded just now has been hashed then
            known.update(zip(map(bytes, store.stamps), map(bytes, store.contents), strict=True))
    known.pop(bytes(WIDTH), None)
    contents, unreadable = contents_of(paths, stamps_of(paths), known)
    contents = contents.copy()
    for row in unreadable:  # gone since it was decoded: like nothing else
        contents[row] = np.frombuffer(row.to_bytes(WIDTH, "big"), np.uint8)
    return contents


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
