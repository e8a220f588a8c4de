"""Small sets of two bright dots on dark ground, and what learned to find them."""

import numpy as np
import pytest

from striate.data import Array, Dataset, Points, decode
from striate.recognizer import Recognizer
from striate.tasks.contract import Ask
from striate.tasks.keypoints import ridge, steps
from striate.tasks.keypoints.canvas import view_of
from striate.tasks.keypoints.task import KeyPoints

NAMES = ("red", "green")


def dots(count=36, side=48, seed=0):
    """A red dot, and a green one to its right, somewhere."""
    random = np.random.default_rng(seed)
    pictures = np.full((count, side, side, 3), 40.0) + random.uniform(0, 20, (count, 1, 1, 1))
    rows, columns = np.mgrid[:side, :side] + 0.5
    middle = random.uniform(16, 32, (count, 1, 2))
    places = middle + random.uniform(-2, 2, (count, 2, 2)) + np.array([[-9, -3], [9, 3]])
    for picture, points in zip(pictures, places, strict=True):
        for channel, (x, y) in enumerate(points):
            picture[..., channel] += 190 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    split = np.array([0, 0, 0, 0, 1, 2] * (count // 6), np.int8)
    targets = Points.of(NAMES, places, np.full((count, 2), side))
    return Dataset("dots", Array(pictures.astype(np.uint8)), targets, split)


@pytest.fixture(scope="session")
def data():
    return dots()


@pytest.fixture(scope="session")
def learned(data):
    """A small U-Net that looks twice, after a few seconds."""
    ask = Ask(epochs=3, settings=("batch_size=4", "learning_rate=0.01", "average=0.8"))
    small = {"network": "unet", "stride": 2, "width": 6, "depth": 2, "twice": True}
    return steps.learned_by_steps(
        small, decode(data, [view_of(128)]), ask, steps.SCRATCH, size=128, sigma=1 / 32, epoch=48
    )


@pytest.fixture(scope="session")
def recognizer(learned):
    return Recognizer(KeyPoints(), learned.predictor, NAMES, {})


@pytest.fixture(scope="session")
def by_ridge(data):
    return ridge.learn_hog(decode(data, [view_of(ridge.SIDE["hog"])]), Ask())
