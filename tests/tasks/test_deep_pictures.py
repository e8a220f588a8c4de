"""Gray pictures of more than 8 bits: what was learned from a set is used with the set's depth."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import striate.data
from striate.comparing import learn
from striate.data import Dataset
from striate.images import View
from striate.recognizer import load
from striate.tasks.classification import handcrafted
from striate.tasks.pictures import beginning, features
from striate.tasks.pictures.problem import natural_view


def save(path: Path, brightest: int, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, brightest + 1, (24, 24), dtype=np.uint16)
    values[0, 0] = brightest
    Image.fromarray(values).save(path)
    return path


@pytest.fixture
def twelve(tmp_path: Path) -> Dataset:
    """Twelve bits; one class is so dim that its pictures alone would be read as ten."""
    for number in range(16):
        brightest = (4095, 900)[number % 2]
        save(tmp_path / "set" / ("bright", "dim")[number % 2] / f"{number}.png", brightest, number)
    return striate.data.open(tmp_path / "set")


@pytest.mark.parametrize("view", [handcrafted.view, features.view, beginning.view, natural_view])
def test_every_method_sees_the_depth_of_the_set(
    twelve: Dataset, view: Callable[[Dataset], View]
) -> None:
    assert view(twelve).bits == 12


def test_a_recognizer_sees_a_picture_as_it_would_have_learned_from_it(
    twelve: Dataset, tmp_path: Path
) -> None:
    learn(twelve, method="handcrafted").recognizer.save(tmp_path / "it.safetensors")
    again = load(tmp_path / "it.safetensors")
    new = [save(tmp_path / f"{brightest}.png", brightest, 99) for brightest in (4095, 900)]
    bright, dim = (again.predictor.prepare(path) for path in new)
    assert bright.max() > 4 * dim.max() > 0
