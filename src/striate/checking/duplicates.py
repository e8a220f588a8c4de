"""Pictures that stand in a set twice: as the same bytes, with the same look, or in a mirror."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate import progress
from striate.checking.appearance import Looks, codes_of, mirrored
from striate.checking.neighbors import alike

BITS = 16  # of 144 in which codes may differ
PERHAPS = 0.9  # correlation from which a trained network is asked
# Correlation from which pictures are taken for the same. On `data/clothing` no two photographs come
# above 0.93 and every copy stays above 0.997; two ones of MNIST, of few pixels, reach 0.995.
SAME = 0.98
SAME_SMALL = 0.998
DEEP = 0.93  # cosine between what a network says of two pictures, where their looks leave a doubt


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
    least = SAME_SMALL if small else SAME
    doubt = least if small or features is None else PERHAPS
    parts = [_pairs(*exact, exact=True), _pairs(*same)]
    for part in _near(looks, kept, doubt):
        sure = part.likeness >= least
        if features is not None and not small:
            sure |= _cosine(features, part) >= DEEP
        parts.append(part.take(sure))
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


def _near(looks: Looks, rows: NDArray[np.int64], least: float) -> Iterator[Pairs]:
    """Pairs of these rows that look alike, as they are or in a mirror; some come twice."""
    vectors, count = looks.vectors[rows], len(rows)
    reflected = mirrored(vectors)
    codes = np.concatenate([looks.codes[rows], codes_of(reflected)])
    with progress.stage("compare looks") as bar:
        for first, second in alike(codes, bits=BITS):
            bar.advance()
            mirror = second >= count
            # (a, b in the mirror) is (a in the mirror, b): one of the two is enough.
            one = (first < count) & (first < np.where(mirror, second - count, second))
            first, second, mirror = first[one], second[one], mirror[one]
            second = np.where(mirror, second - count, second)
            other = np.where(mirror[:, None], reflected[second], vectors[second])
            likeness = (vectors[first] * other).sum(1)
            good = likeness >= least
            yield _pairs(rows[first[good]], rows[second[good]], likeness[good], mirror[good])


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
