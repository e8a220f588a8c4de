"""Recognizers that learned nothing, and pictures for them: what counts is that answers repeat."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from striate.images import View
from striate.recognizer import Calibration, Recognizer
from striate.recognizer.storage import BAG, build
from striate.training import Preprocessing

BAG_SETTINGS: dict[str, Any] = {
    "side": 32, "step": 6, "bin_sizes": (3, 4), "words": 16, "levels": ((1, 1), (2, 2)),
}  # fmt: skip
ARCHITECTURES: dict[str, tuple[dict[str, Any], View]] = {
    "lenet5": ({"channels": 3}, View(32, fit="squash")),
    "efficientnet_lite0": ({}, View(64)),
    BAG: (BAG_SETTINGS, View(32, channels=1, fit="squash")),
}


def settle(model: nn.Module, images: torch.Tensor) -> None:
    """Gives batch normalization the statistics of these images, so that signals survive depth."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(images)


@pytest.fixture
def recognizer() -> Callable[[str], Recognizer]:
    """`recognizer("lenet5")` has three classes, random weights and a temperature."""

    def make(name: str) -> Recognizer:
        options, view = ARCHITECTURES[name]
        model = build({"name": name, "options": options}, 3)
        for tensor in model.state_dict().values():  # a new dictionary would be all zeros
            if tensor.ndim == 2:
                nn.init.normal_(tensor, std=0.2)
        settle(model, torch.randn(8, view.channels, view.size, view.size))
        return Recognizer(
            model.eval(),
            {"name": name, "options": options},
            Preprocessing(view, (120.0,) * view.channels, (60.0,) * view.channels),
            ("ant", "bee", "<script>"),
            Calibration(0.7, 0.36),
            {"approach": "none", "test": {"top1": 0.5}},
        )

    return make


@pytest.fixture
def foreign() -> Recognizer:
    """A user's own network: 12 px color pictures, two classes."""
    torch.manual_seed(5)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(400, 2)
    )
    model[1].running_mean.normal_()
    return Recognizer(
        model.eval(),
        {"name": None, "kind": "Sequential"},
        Preprocessing(View(12, fit="pad"), (128.0,) * 3, (64.0,) * 3),
        ("no", "yes"),
    )


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
