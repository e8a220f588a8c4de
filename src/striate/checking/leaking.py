"""What is scored although it was learned from."""

import numpy as np
from numpy.typing import NDArray

from striate.data import SPLITS, Dataset

TEST = SPLITS.index("test")


def seen_before(
    dataset: Dataset, groups: NDArray[np.int64], *, split: int = TEST
) -> NDArray[np.int64]:
    """Rows of a split that show the same picture as a row of a split before it.

    Args:
        groups: (N,) equal for rows that show the same picture.
    """
    before = np.unique(groups[dataset.split < split])
    return np.flatnonzero((dataset.split == split) & np.isin(groups, before))


def sentence(dataset: Dataset, rows: NDArray[np.int64]) -> str:
    """What to say of leaking test images, to people.

    >>> from striate.data import open
    >>> sentence(open("digits"), np.arange(37))
    '37 of 359 test images (10.3 %) also stand in training or validation'
    """
    count = int((dataset.split == TEST).sum())
    share = len(rows) / max(count, 1)
    stand = "stands" if len(rows) == 1 else "stand"
    part = "training or validation" if (dataset.split == 1).any() else "training"
    return f"{len(rows):,} of {count:,} test images ({share:.1%}) also {stand} in {part}".replace(
        "%)", " %)"
    )
