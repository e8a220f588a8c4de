"""Small pictures with bars, disks and frames in them, any number at once; and recognizers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from striate.data import Array, Dataset, Tags, decode
from striate.recognizer import Recognizer
from striate.tasks.contract import Ask, Learned
from striate.tasks.tags.learning import words_view
from striate.tasks.tags.methods import METHODS
from striate.tasks.tags.task import TagsTask

NAMES = ("bars", "disk", "frame")


def drawn(tags: NDArray[np.int8], seed: int) -> NDArray[np.uint8]:
    """(24, 24, 3): gray noise with what is there."""
    random = np.random.default_rng(seed)
    picture = random.integers(90, 130, (24, 24, 3))
    if tags[0]:
        picture[2:9:2, 2:22] = 20
    if tags[1]:
        rows, columns = np.mgrid[:24, :24]
        picture[(rows - 17) ** 2 + (columns - 6) ** 2 < 20] = (250, 60, 60)
    if tags[2]:
        picture[13:22, [14, 21]] = (40, 240, 60)
        picture[[13, 21], 14:22] = (40, 240, 60)
    return picture.astype(np.uint8)


def some(count: int = 60, seed: int = 0) -> Dataset[Tags]:
    """Each of the three in about half of the pictures; one mark in ten is unknown."""
    random = np.random.default_rng(seed)
    numbers = random.integers(0, 2, (count, 3)).astype(np.int8)
    pixels = np.stack([drawn(tags, row) for row, tags in enumerate(numbers)])
    numbers[random.random(numbers.shape) < 0.1] = -1
    split = np.repeat(np.arange(3, dtype=np.int8), [count // 2, count // 4, count - 3 * count // 4])
    return Dataset("shapes", Array(pixels), Tags(NAMES, numbers), split)


@pytest.fixture(scope="session")
def dataset() -> Dataset[Tags]:
    return some()


@pytest.fixture(scope="session")
def learned(dataset: Dataset[Any]) -> Learned:
    """A small network from random weights, in seconds."""
    method, ask = METHODS["scratch"], Ask(network="lenet5", epochs=25)
    return method.learn(decode(dataset, method.views(dataset, ask)), ask)


@pytest.fixture(scope="session")
def by_hand(dataset: Dataset[Any]) -> Learned:
    return METHODS["handcrafted"].learn(decode(dataset, [words_view(dataset)]), Ask())


@pytest.fixture
def recognizer(learned: Learned, by_hand: Learned) -> Callable[[str], Recognizer]:
    """`recognizer("network")` or `recognizer("visual_words")`."""
    kinds = {one.predictor.kind: one.predictor for one in (learned, by_hand)}
    return lambda kind: Recognizer(TagsTask(), kinds[kind], NAMES, {"method": kind})
