"""Drawing one split from another: stratified, seeded, and tied to names instead of order."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def stratified(
    targets: NDArray[np.int64],
    share: float,
    *,
    seed: int,
    keys: Sequence[str] | None = None,
    keep: int = 1,
) -> NDArray[np.bool_]:
    """Draws `share` of every class: (N,) bool, True where drawn.

    Of a class of n images it draws round(share * n), but at least one, and it leaves at least
    `keep` (so that of a class of `keep` or fewer it draws none). Inside a class, the images whose
    key has the smallest keyed hash are drawn: the order of the rows has no influence, and a file
    added later moves few of the others to another split.

    Args:
        targets: (N,) class numbers.
        share: in [0, 1].
        keys: (N,) what names each image wherever it stands; without it, the row's number.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in [0, 1], not {share}")
    targets = np.asarray(targets)
    if keys is None:
        keys = [str(row) for row in range(len(targets))]
    salt = seed.to_bytes(16, "little", signed=True)
    hashes = [
        blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16, key=salt).digest()
        for key in keys
    ]
    ranked = sorted(range(len(targets)), key=lambda row: (hashes[row], row))
    ranking = np.array(ranked, dtype=np.int64)
    drawn = np.zeros(len(targets), dtype=bool)
    by_class = ranking[np.argsort(targets[ranking], kind="stable")]
    classes, counts = np.unique(targets, return_counts=True)
    for rows in np.split(by_class, np.cumsum(counts)[:-1]) if len(classes) else ():
        drawn[rows[: count(len(rows), share, keep)]] = True
    return drawn


def count(images: int, share: float, keep: int) -> int:
    """How many of a class of `images` are drawn.

    >>> [count(n, 0.2, keep=1) for n in (1, 2, 5, 7, 8, 100)]
    [0, 1, 1, 1, 2, 20]
    """
    if share == 0:
        return 0
    return max(0, min(max(1, int(share * images + 0.5)), images - keep))
