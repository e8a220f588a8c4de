"""Folders of tiny photographs with known faults, and findings about them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def scene() -> Callable[[int], Image.Image]:
    """`scene(3)` is a soft picture like no other, 96 x 80; the same for the same number."""

    def make(number: int) -> Image.Image:
        random = np.random.default_rng(number)
        coarse = random.integers(0, 256, (10, 12, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def folder(tmp_path: Path, scene: Callable[[int], Image.Image]) -> Path:
    """train, validation, test of two classes: 8, 4 and 4 pictures each, all different."""
    number = 0
    for split, count in (("train", 8), ("validation", 4), ("test", 4)):
        for label in ("cat", "dog"):
            place = tmp_path / "set" / split / label
            place.mkdir(parents=True)
            for index in range(count):
                scene(number).save(place / f"{index}.png")
                number += 1
    return tmp_path / "set"
