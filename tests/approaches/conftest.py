"""Sets of pictures that take no time to learn, and outcomes made by hand."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from striate.approaches import Outcome
from striate.data import Array, Dataset
from striate.images import View
from striate.recognizer import Recognizer
from striate.training import Preprocessing

SHAPES = ("bars", "disk", "frame")


def shapes(count: int, *, noise: int = 60, side: int = 32) -> NDArray[np.uint8]:
    """(count, side, side, 3) pictures of SHAPES in turn, in any color and place."""
    rng = np.random.default_rng(11)
    pictures = rng.integers(0, noise, (count, side, side, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:side, :side]
    for number, picture in enumerate(pictures):
        top, left = rng.integers(10, side - 10, 2)
        size = int(rng.integers(6, 10))
        far = np.maximum(abs(rows - top), abs(columns - left))
        mask = (
            (far <= size) & ((columns - left) % 4 < 2),
            (rows - top) ** 2 + (columns - left) ** 2 <= size**2,
            (far <= size) & (far > size - 3),
        )[number % 3]
        picture[mask] += rng.integers(90, 195, 3, dtype=np.uint8)
    return pictures


@pytest.fixture(scope="session")
def toy() -> Dataset:
    """54 color pictures of three classes: 30 to learn from, 12 to choose on, 12 to score."""
    pixels = shapes(54)
    targets = np.arange(54, dtype=np.int64) % 3
    split = np.repeat(np.array([0, 1, 2], np.int8), [30, 12, 12])
    data = Dataset("toy", SHAPES, Array(pixels), targets, split)
    return replace(data, drawn=frozenset({"validation", "test"}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same as a class folder, with one file that is no picture."""
    for number, picture in enumerate(shapes(54)):
        kind = tmp_path / "photos" / SHAPES[number % 3]
        kind.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(kind / f"{number}.png")
    (tmp_path / "photos" / "disk" / "broken.png").write_text("I am no picture")
    return tmp_path / "photos"


@pytest.fixture
def outcome() -> Callable[..., Outcome]:
    """`outcome("transfer", right, seconds)`: two classes, `right` says image by image."""

    def make(approach: str, right: Sequence[int], seconds: float, *, seed: int = 0) -> Outcome:
        hits = np.array(right)
        targets = np.arange(len(hits), dtype=np.int64) % 2
        given = np.where(hits == 1, targets, 1 - targets)
        probabilities = np.where(given[:, None] == np.arange(2), 0.9, 0.1).astype(np.float32)
        model = nn.Linear(1, 2)
        empty: dict[str, Any] = {"name": None, "kind": "Linear"}
        recognizer = Recognizer(
            model, empty, Preprocessing(View(1), (0.0,) * 3, (1.0,) * 3), ("a", "b")
        )
        return Outcome(
            approach, seed, recognizer, probabilities, targets, float(hits.mean()), 1.0,
            {"learn": seconds}, parameters=4, memory=1000 + seed,
        )  # fmt: skip

    return make
