"""Small made pictures: a bright square somewhere on a dark ground."""

import numpy as np
import pytest

import striate
from striate.data import Array, Dataset, Labels, Unmarked
from striate.tasks.generation import judge

SIDE = 8


def squares(count, seed=0):
    """Pixels (N, 8, 8), and whether each square is in the upper half."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 40, (count, SIDE, SIDE), np.uint8)
    rows, columns = random.integers(0, 5, (2, count))
    for picture, row, column in zip(pixels, rows, columns, strict=True):
        picture[row : row + 3, column : column + 3] += 180
    return pixels, (rows < 2).astype(np.int64)


def split_of(count):
    split = np.zeros(count, np.int8)
    split[-count // 5 :] = 2
    split[-2 * count // 5 : -count // 5] = 1
    return split


@pytest.fixture(scope="session")
def unmarked():
    """100 squares."""
    pixels, _ = squares(100)
    return Dataset("squares", Array(pixels, "square"), Unmarked(100), split_of(100))


@pytest.fixture(scope="session")
def marked():
    """The same with two classes."""
    pixels, numbers = squares(100)
    labels = Labels(("lower", "upper"), numbers)
    return Dataset("halves", Array(pixels, "square"), labels, split_of(100))


@pytest.fixture(autouse=True, scope="session")
def quick():
    """A judge that is there at once, and one that hardly learns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "here", lambda source: None)
        patch.setattr(judge, "STEPS", 8)
        patch.setattr(judge, "RIGHT", 0.0)
        yield


@pytest.fixture(scope="session")
def compared(unmarked, tmp_path_factory):
    """All methods on squares, hardly learned."""
    return striate.compare(
        unmarked, task="generation", settings=("width=4", "epochs=2", "batch_size=20", "noise=6"),
        folder=tmp_path_factory.mktemp("compared"), keep_leaks=True,
    )  # fmt: skip


@pytest.fixture(scope="session")
def conditional(marked):
    """A DCGAN that is told classes, hardly learned."""
    return striate.comparing.learn(
        marked, "dcgan", task="generation", keep_leaks=True,
        settings=("width=4", "epochs=1", "batch_size=30", "noise=6", "conditional=true"),
    ).recognizer  # fmt: skip
