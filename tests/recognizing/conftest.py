"""A recognizer that has learned nothing, and pictures, one of them broken."""

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
def recognizer() -> Recognizer:
    torch.manual_seed(0)
    view = View(28, channels=3, fit="squash")
    predictor = Network(
        model=create("lenet5", classes=2, channels=3).eval(),
        architecture={"name": "lenet5", "options": {"channels": 3}},
        preprocessing=Preprocessing(view, Normalization((127.5,) * 3, (127.5,) * 3)),
        classes=2,
    )
    return Recognizer(TASKS["classification"], predictor, ("bars", "dots"))


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Twenty files; the eighth is no picture."""
    place = tmp_path / "photos"
    place.mkdir()
    random = np.random.default_rng(0)
    found = []
    for number in range(20):
        path = place / f"{number:02}.png"
        Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
        found.append(str(path))
    Path(found[7]).write_text("no picture")
    return found
