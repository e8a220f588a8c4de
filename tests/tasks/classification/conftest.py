"""Predictors that learned nothing, pictures for them, and a set that takes no time to learn."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from striate.data import Array, Dataset, Labels
from striate.handcrafted import BagOfVisualWords, Settings
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.task import Classification
from striate.tasks.classification.visual_words import VisualWords
from striate.tasks.labels.calibration import Calibration

BAG = "visual words"
NAMES = ("ant", "bee", "<script>")
SETTINGS = Settings(side=32, step=6, bin_sizes=(3, 4), words=16, levels=((1, 1), (2, 2)))
NETWORKS: dict[str, tuple[dict[str, Any], View]] = {
    "lenet5": ({"channels": 3}, View(32, fit="squash")),
    "efficientnet_lite0": ({}, View(64)),
}
SHAPES = ("bars", "disk", "frame")
Make = Callable[[str], Classifier]


def settle(model: nn.Module, images: torch.Tensor) -> nn.Module:
    """Gives batch normalization the statistics of these images, so that signals survive depth."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    for tensor in model.state_dict().values():  # a new dictionary would be all zeros
        if tensor.ndim == 2:
            nn.init.normal_(tensor, std=0.2)
    with torch.no_grad():
        model.train()(images)
    return model.eval()


@pytest.fixture
def make() -> Make:
    """`make("lenet5")` has three classes, random weights and a temperature."""

    def build(name: str) -> Classifier:
        if name == BAG:
            bag = BagOfVisualWords(classes=3, settings=SETTINGS)
            settle(bag, torch.rand(8, 1, 32, 32) * 255)
            words = VisualWords.of(bag, View(32, channels=1, fit="squash"))
            return replace(words, calibration=Calibration(0.7, 0.36))
        options, view = NETWORKS[name]
        model = create(name, classes=3, **options)
        settle(model, torch.randn(8, view.channels, view.size, view.size))
        return Network(
            model=model,
            architecture={"name": name, "options": options},
            preprocessing=Preprocessing(view, Normalization((120.0,) * 3, (60.0,) * 3)),
            classes=3,
            calibration=Calibration(0.7, 0.36),
        )

    return build


@pytest.fixture
def recognizer(make: Make) -> Callable[[str], Recognizer]:
    """The same with names, as a person has it."""
    return lambda name: Recognizer(Classification(), make(name), NAMES, {"method": "none"})


@pytest.fixture
def foreign() -> Recognizer:
    """A user's own network: 12 px color pictures, two classes."""
    torch.manual_seed(5)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(400, 2)
    )
    model[1].running_mean.normal_()
    preprocessing = Preprocessing(View(12, fit="pad"), Normalization((128.0,) * 3, (64.0,) * 3))
    return Recognizer(Classification(), Network.own(model, preprocessing, 2), ("no", "yes"))


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    """Seven pictures (7, 32, 32, 3), no two alike."""
    return np.random.default_rng(3).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def paths(pixels: NDArray[np.uint8], tmp_path: Path) -> list[Path]:
    """The same pictures as PNG files."""
    files = [tmp_path / f"{number}.png" for number in range(len(pixels))]
    for file, picture in zip(files, pixels, strict=True):
        Image.fromarray(picture).save(file)
    return files


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
def toy() -> Dataset[Labels]:
    """54 color pictures of three classes: 30 to learn from, 12 to choose on, 12 to score."""
    targets = np.arange(54, dtype=np.int64) % 3
    split = np.repeat(np.array([0, 1, 2], np.int8), [30, 12, 12])
    return Dataset(
        "toy", Array(shapes(54)), Labels(SHAPES, targets), split,
        drawn=frozenset({"validation", "test"}),
    )  # fmt: skip
