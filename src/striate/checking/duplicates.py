"""Pictures that stand in a set twice: as the same bytes, with the same look, or in a mirror."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate import progress
from striate.checking.appearance import BANDS, SIDE, Looks, codes_of, mirrored
from striate.checking.neighbors import alike

BITS = 16  # of 144 in which the codes of two looks may differ
# Correlation from which pictures are taken for the same. Of 1,313 photographs of clothing no two
# different ones come above 0.93, and every resized, recompressed or mirrored copy stays above
# 0.99; but two ones of MNIST, of few pixels, reach 0.995.
SAME = 0.98
SAME_SMALL = 0.998
# Where a network is asked, too: cut at the border, turned a little, made brighter. Two shirts on
# the same blanket come to a look of 0.85 and a cosine of 0.943.
PERHAPS, DEEP = 0.75, 0.95
DEEP_BITS = 24


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pictures that are the same, in pairs; a crowd is tied together by few of its pairs.

    Attributes:
        first, second: (P,) rows, first < second.
        likeness: (P,) correlation of their looks.
        exact: (P,) whether their files hold the same bytes.
        mirror: (P,) whether one is the other in a mirror.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    likeness: NDArray[np.float32]
    exact: NDArray[np.bool_]
    mirror: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    def take(self, chosen: NDArray) -> "Pairs":
        """Some of them."""
        return Pairs(
            self.first[chosen],
            self.second[chosen],
            self.likeness[chosen],
            self.exact[chosen],
            self.mirror[chosen],
        )


def find(
    looks: Looks,
    marks: NDArray[np.uint8],
    *,
    small: bool = False,
    features: NDArray[np.float32] | None = None,
) -> Pairs:
    """All pairs of the same picture, in time that grows with the number of pictures.

    Args:
        looks: of N pictures.
        marks: (N, 16) a hash of what each file holds.
        small: pictures of so few pixels that different ones look much the same.
        features: (N, D) what a trained network says of each, asked where looks leave a doubt;
            without it only what is beyond doubt is taken.
    """
    exact = _equal(np.arange(len(looks)), marks)
    kept = np.setdiff1d(np.arange(len(looks)), exact[1])
    # Also the same pixels in another file: they need not be looked for, only kept out of the way.
    same = _equal(kept, looks.vectors[kept].view(np.uint8))
    blank = looks.flat[same[0]]
    same = same[0][~blank], same[1][~blank]
    kept = np.setdiff1d(kept, np.concatenate([same[1], np.flatnonzero(looks.flat)]))
    parts = [_pairs(*exact, exact=True), _pairs(*same)]
    asked = None if small else features
    with progress.stage("look for copies of pictures") as bar:
        for first, second in _candidates(looks, kept, asked):
            part = _compared(looks, first, second)
            sure = part.likeness >= (SAME_SMALL if small else SAME)
            if asked is not None:
                sure |= (part.likeness >= PERHAPS) & (_cosine(asked, part) >= DEEP)
            parts.append(part.take(sure))
            bar.advance(len(first))
    return _once(parts)


def groups(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """For each of `count` rows the smallest row that shows the same picture: (N,)."""
    leader = list(range(count))

    def lead(row: int) -> int:
        while leader[row] != row:
            leader[row] = row = leader[leader[row]]
        return row

    for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        low, high = sorted((lead(first), lead(second)))
        leader[high] = low
    return np.array([lead(row) for row in range(count)], np.int64)


def _equal(rows: NDArray[np.int64], marks: NDArray[np.uint8]) -> tuple[NDArray, NDArray]:
    """The first row of each crowd with the same mark (n, bytes), and the others, pair by pair."""
    whole = np.ascontiguousarray(marks).view(np.dtype((np.void, marks.shape[1])))[:, 0]
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    leader = rows[first[place.reshape(-1)]]
    copies = leader != rows
    return leader[copies], rows[copies]


def _candidates(
    looks: Looks, rows: NDArray[np.int64], features: NDArray[np.float32] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of these rows that may be the same picture, as they are or in a mirror."""
    count = len(rows)
    codes = np.concatenate([looks.codes[rows], codes_of(mirrored(looks.vectors[rows]))])
    for first, second in alike(codes, bits=BITS):
        one = (first < count) & (first != second % count)  # nothing is a copy of itself
        yield rows[first[one]], rows[second[one] % count]
    if features is not None:
        for first, second in alike(_deep_codes(features, rows), bits=DEEP_BITS):
            yield rows[first], rows[second]


def _deep_codes(features: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.uint16]:
    """On which side of 144 random planes each picture lies (Charikar 2002): (n, 9) uint16."""
    planes = np.random.default_rng(0).standard_normal((features.shape[1], SIDE * SIDE))
    mean = features[rows].mean(0) if len(rows) else features[:1].mean(0)
    parts = [np.empty((0, BANDS), np.uint16)]
    for first in range(0, len(rows), 4096):
        some = features[rows[first : first + 4096]] - mean
        parts.append(codes_of(some @ planes.astype(np.float32), above=0))
    return np.concatenate(parts)


def _compared(looks: Looks, first: NDArray[np.int64], second: NDArray[np.int64]) -> Pairs:
    """Those pairs and how alike they are, each the way round in which it is more so."""
    first, second = np.minimum(first, second), np.maximum(first, second)
    one, other = looks.vectors[first], looks.vectors[second]
    straight, turned = (one * other).sum(1), (one * mirrored(other)).sum(1)
    # What is nearly the same in a mirror as without is no mirror image.
    mirror = (turned > straight) & (straight < SAME)
    return _pairs(first, second, np.maximum(straight, turned), mirror)


def _cosine(features: NDArray[np.float32], pairs: Pairs) -> NDArray[np.float32]:
    one, two = features[pairs.first], features[pairs.second]
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
    return (one * two).sum(1) / np.maximum(lengths, 1e-12)


def _pairs(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    likeness: NDArray[np.float32] | None = None,
    mirror: NDArray[np.bool_] | None = None,
    *,
    exact: bool = False,
) -> Pairs:
    if likeness is None:
        likeness = np.ones(len(first), np.float32)
    if mirror is None:
        mirror = np.zeros(len(first), np.bool_)
    return Pairs(first, second, likeness, np.full(len(first), exact), mirror)


def _once(parts: list[Pairs]) -> Pairs:
    """Every pair once, as what it is most alike."""
    joined = Pairs(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("first", "second", "likeness", "exact", "mirror")
        )
    )
    order = np.lexsort((-joined.likeness, joined.second, joined.first))
    joined = joined.take(order)
    new = np.ones(len(joined), np.bool_)
    new[1:] = (np.diff(joined.first) != 0) | (np.diff(joined.second) != 0)
    return joined.take(new)
