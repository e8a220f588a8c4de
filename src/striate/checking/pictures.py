"""What a check sees in pictures: copies by their look, odd ones, features to judge labels by."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import pages
from striate.checking import duplicates, features
from striate.checking.appearance import VIEW, looks
from striate.checking.findings import Copies
from striate.checking.kind import Examined, Kind
from striate.checking.oddities import KINDS, odd, sizes
from striate.data import SMALL, Dataset, Decoded, decode, native
from striate.data.contents import WIDTH, contents_of, stamps_of
from striate.data.store import stores
from striate.images import View


def examine(dataset: Dataset, *, deep: bool) -> Examined:
    """All there is to see in pictures.

    Args:
        deep: ask a trained network where it is installed; else gradients serve.
    """
    side, gray = native(dataset)
    small = side <= SMALL
    # Of small gray pictures (digits) gradients say more than a network trained on photographs.
    view = features.deep_view(side) if deep and not (small and gray) else None
    decoded = decode(dataset, [VIEW] if view is None else [VIEW, view])
    seen = looks(decoded.pixels[VIEW])
    said = None if view is None else features.deep(decoded, view)
    pairs = duplicates.find(seen, marks(decoded.dataset, [VIEW]), small=small, features=said)
    return Examined(
        decoded.dataset,
        same_targets(decoded.dataset, pairs),
        odd(decoded, sizes(decoded.dataset), seen.flat),
        partial(features.plain, decoded, seen.vectors) if said is None else lambda: said,
    )


def copies(data: Decoded) -> duplicates.Pairs:
    """What is beyond doubt the same picture, from the pixels that are there anyway."""
    dataset = data.dataset
    view = min(data.pixels, key=lambda one: (one.size < VIEW.size, one.fit == "crop", one.size))
    small = native(dataset)[0] <= SMALL
    pairs = duplicates.find(
        looks(data.pixels[view]), marks(dataset, list(data.pixels)), small=small
    )
    return same_targets(dataset, pairs)


def shown(dataset: Dataset, row: int) -> dict[str, Any]:
    """A picture for a page."""
    return {"picture": pages.thumbnail(dataset, row)}


def likeness(copies: Copies) -> str:
    """In what members of a group are the same."""
    if copies.exact:
        return "the same file"
    return "the same picture" if copies.likeness >= duplicates.SAME else "much alike"


def same_targets(dataset: Dataset, pairs: duplicates.Pairs) -> duplicates.Pairs:
    """The pairs without mirror images that are marked otherwise - an arrow to the left and one to
    the right are not the same picture - and without files that their targets tell apart."""
    key, apart = dataset.targets.key, dataset.targets.told_apart
    each = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return pairs.take(
        np.array(
            [
                (not mirror or key(one) == key(two)) and (exact or not apart(one, two))
                for (one, two), mirror, exact in zip(
                    each, pairs.mirror.tolist(), pairs.exact.tolist(), strict=True
                )
            ],
            bool,
        )
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


PICTURES = Kind("picture", KINDS, examine, copies, shown, likeness)
