"""What a set's own pictures are like: small or photographs, gray or in color."""

import numpy as np

from striate.data.dataset import Dataset
from striate.errors import ImageError

SMALL = 64
"""Pictures whose longer side is at most this many pixels are learned from as they are."""


def native(dataset: Dataset, *, sample: int = 16) -> tuple[int, bool]:
    """The median longer side in pixels, and whether all is gray, of a few training images."""
    train = dataset.train.images
    sides, gray = [], True
    for row in np.linspace(0, len(train) - 1, min(sample, len(train))).astype(int).tolist():
        try:
            image = train[row]
        except ImageError:  # broken files are counted and named when all are decoded
            continue
        sides.append(max(image.shape[:2]))
        gray &= bool((image == image[..., :1]).all())
    return (int(np.median(sides)), gray) if sides else (SMALL + 1, False)
