"""What these tests share: a network that has learned nothing, and pictures of a few forms."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.table import TASKS


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The file of a recognizer."""
    torch.manual_seed(0)
    predictor = Network(
        model=create("lenet5", classes=2, channels=3).eval(),
        architecture={"name": "lenet5", "options": {"channels": 3}},
        preprocessing=Preprocessing(View(32), Normalization((127.5,) * 3, (127.5,) * 3)),
        classes=2,
    )
    path = tmp_path / "model.safetensors"
    Recognizer(TASKS["classification"], predictor, ("bars", "dots")).save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """`pictures(6)` is a folder of so many in two folders, stripes of different widths."""

    def make(count: int, name: str = "photos") -> Path:
        random = np.random.default_rng(0)
        for number in range(count):
            folder = tmp_path / name / ("odd" if number % 2 else "even")
            folder.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 40, (32, 32, 3), dtype=np.uint8)
            pixels[:: number // 2 + 2, :: number % 2 * 3 + 1] += 150
            Image.fromarray(pixels).save(folder / f"{number}.png")
        return tmp_path / name

    return make
