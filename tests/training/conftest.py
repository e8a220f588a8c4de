"""A set and a network small enough that a whole run takes a tenth of a second."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from striate.augment import Augmentation, Spread
from striate.data import Array, Dataset, Labels
from striate.training import Recipe


@pytest.fixture
def stripes() -> Dataset:
    """Three classes of 8 x 8 gray noise with a bright row: 30 to learn from, 12 to choose on."""
    rng = np.random.default_rng(0)
    targets = np.arange(48) % 3
    pixels = rng.integers(0, 120, (48, 8, 8), dtype=np.uint8)
    pixels[np.arange(48), 1 + 2 * targets] += 90
    split = np.repeat(np.array([0, 1, 2], dtype=np.int8), [30, 12, 6])
    return Dataset(
        "stripes", Array(pixels), Labels(("a", "b", "c"), targets.astype(np.int64)), split
    )


@pytest.fixture
def network() -> Callable[[], nn.Module]:
    """`network()` is the same new network each time, with all that makes resuming hard."""

    def build() -> nn.Module:
        torch.manual_seed(7)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),
            nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(96, 3),
        )  # fmt: skip

    return build


@pytest.fixture
def recipe() -> Recipe:
    """Three epochs of four steps; the last batch of each has 6 images."""
    return Recipe(
        epochs=3,
        batch_size=8,
        learning_rate=0.02,
        weight_decay=1e-3,
        warmup=0.2,
        augmentation=Augmentation(Spread(rotation=8, shift=0.05), brightness=0.1, contrast=0.1),
    )
