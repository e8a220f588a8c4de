"""A folder of small photographs, a painting, and a small network in place of a VGG."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from striate.models import Stages
from striate.tasks.style import judging, learning
from striate.tasks.style.task import Style

TASK = Style()


def looking(name, *, weights=None):
    """Four groups of one convolution each, in place of a VGG."""
    torch.manual_seed(0)
    stages, channels = {}, 3
    for number, width in enumerate((6, 8, 10, 12), 1):
        layer = nn.Conv2d(channels, width, 3, padding=1)
        stages[f"conv{number}_1"] = nn.Sequential(layer, nn.ReLU())
        stages[f"pool{number}"] = nn.MaxPool2d(2)
        channels = width
    stages["classifier"] = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
    return Stages(stages, channels=3).eval()


@pytest.fixture(scope="session", autouse=True)
def small():
    """A small network that looks, small squares, a short descent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "create", looking)
        patch.setattr(learning, "CROP", 64)
        patch.setattr(learning, "DESCENDED", 1)
        patch.setattr(learning, "ITERATIONS", 3)
        yield


def picture(seed, rows=60, columns=80):
    small = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    return Image.fromarray(small).resize((columns, rows))


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Pictures of many shapes, in folders that say nothing, and one that is broken."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(14):
        place = folder / ("a", "b")[number % 2]
        place.mkdir(exist_ok=True)
        picture(number, 40 + 7 * number, 130 - 6 * number).save(place / f"{number}.png")
    (folder / "a" / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="session")
def painting(tmp_path_factory):
    path = tmp_path_factory.mktemp("paintings") / "waves.png"
    waves = np.sin(np.mgrid[:90, :70].sum(0)[..., None] / (1, 2, 3)) * 120 + 128
    Image.fromarray(waves.astype(np.uint8)).save(path)
    return path
