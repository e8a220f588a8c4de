"""Small sets that stand in for MNIST and CIFAR-10: a bright spot whose place is the class."""

import numpy as np

from striate.data import Array, Dataset, Labels


def spots(count: int = 90, *, size: int = 28, color: bool = False) -> Dataset:
    """Pictures of ten classes; of each three, one is of each split."""
    random = np.random.default_rng(0)
    shape = (count, size, size, 3) if color else (count, size, size)
    pixels = random.integers(0, 60, shape, dtype=np.uint8)
    classes = np.arange(count) // 3 % 10
    for picture, number in zip(pixels, classes, strict=True):
        row, column = divmod(int(number), 4)
        picture[size // 4 * row + 1 :, size // 4 * column + 1 :][: size // 5, : size // 5] = 250
    return Dataset(
        name="spots",
        inputs=Array(pixels, "spot"),
        targets=Labels(tuple("0123456789"), classes),
        split=(np.arange(count) % 3).astype(np.int8),
    )
