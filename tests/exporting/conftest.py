"""A recognizer that learned nothing but has all that can be exported, and pictures of all kinds."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.familiarity import Familiarity
from striate.tasks.classification.network import Network
from striate.tasks.labels.calibration import Calibration
from striate.tasks.table import TASKS

TEST = {
    "examples": 200,
    "score": "top1",
    "value": 0.875,
    "interval": [0.822, 0.914],
    "metrics": {"top5": 1.0, "calibration": 0.031, "odd": None},
}


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    """LeNet-5 for color pictures of 28 px, three classes."""
    torch.manual_seed(2)
    model = create("lenet5", classes=3, channels=3).eval()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=0.15)
    directions = torch.nn.functional.normalize(torch.randn(3, 84), dim=1)
    normalization = Normalization((120.0, 110.0, 100.0), (60.0, 61.0, 62.0), bgr=True)
    predictor = Network(
        model=model,
        architecture={"name": "lenet5", "options": {"channels": 3}},
        preprocessing=Preprocessing(View(28), normalization),
        classes=3,
        calibration=Calibration(0.7, 0.4),
        familiarity=Familiarity(directions, 0.11),
    )
    provenance = {
        "method": "scratch",
        "approach": "none",
        "network": "lenet5",
        "seed": 4,
        "recipe": {"rate": 0.1},
        "data": {"name": "insects", "fingerprint": "ab12"},
        "test": TEST,
    }
    return Recognizer(TASKS["classification"], predictor, ("ant", "bee", "<script>*"), provenance)


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """100 files: sizes from 1 px to beyond where JPEGs are decoded at a scale, all orientations of
    EXIF, gray, palette, alpha, 16 bits and CMYK."""
    from skimage import data

    folder = tmp_path_factory.mktemp("photographs")
    generator = np.random.default_rng(7)
    scenes = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    paths = []
    for number in range(100):
        image = shown(scenes[number % 4], generator, large=number % 10 == 0)
        mode, suffix = FORMS[number % len(FORMS)]
        exif = Image.Exif()
        exif[0x0112] = 1 + number % 8
        if mode == "16":
            gray = np.asarray(image.convert("L")).astype(np.uint16)
            image = Image.fromarray(gray * 257)
        else:
            image = image.convert(mode)
            if mode == "RGBA":
                image.putalpha(Image.linear_gradient("L").resize(image.size))
        path = folder / f"{number}{suffix}"
        buffer = io.BytesIO()
        kind = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}[suffix]
        image.save(buffer, kind, exif=exif.tobytes())
        path.write_bytes(buffer.getvalue())
        paths.append(path)
    return paths


FORMS = [
    ("RGB", ".jpg"), ("L", ".jpg"), ("CMYK", ".jpg"), ("RGB", ".png"), ("P", ".png"),
    ("RGBA", ".png"), ("16", ".png"), ("RGB", ".webp"), ("1", ".png"),
]  # fmt: skip


def shown(scene: NDArray[np.uint8], generator: np.random.Generator, *, large: bool) -> Image.Image:
    """A part of a scene in some size."""
    height, width = scene.shape[:2]
    left, top = generator.integers(0, width // 2), generator.integers(0, height // 2)
    part = Image.fromarray(scene).crop((int(left), int(top), width, height))
    low, high = (700, 1100) if large else (1, 160)
    size = tuple(int(side) for side in generator.integers(low, high, 2))
    return part.resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def table() -> Callable[..., NDArray[np.float32]]:
    """`table(predictions, classes)`: probabilities in the order of the classes."""

    def make(predictions, classes):
        rows = [{label.name: label.probability for label in p.labels} for p in predictions]
        return np.array([[row[name] for name in classes] for row in rows], np.float32)

    return make
