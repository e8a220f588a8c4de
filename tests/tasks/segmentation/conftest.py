"""Small sets of bright squares on dark ground, and of nothing else."""

import numpy as np
import pytest

from striate.data import VOID, Array, Dataset, Masks


def squares(count: int = 12, side: int = 32, seed: int = 0) -> Dataset[Masks]:
    """Gray noise with one bright square each; a row of void above."""
    random = np.random.default_rng(seed)
    pictures = random.integers(0, 90, (count, side, side, 3), dtype=np.uint8)
    maps = np.zeros((count, side, side), np.uint8)
    for picture, labels in zip(pictures, maps, strict=True):
        y, x = random.integers(2, side - 12, 2)
        picture[y : y + 10, x : x + 10] += 150
        labels[y : y + 10, x : x + 10] = 1
        labels[0] = VOID
    split = np.array([0, 0, 0, 0, 1, 2] * (count // 6), np.int8)
    targets = Masks.of(("ground", "square"), list(maps))
    return Dataset("squares", Array(pictures), targets, split)


@pytest.fixture
def data():
    return squares()
