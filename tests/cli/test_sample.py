"""striate sample: pictures out of nothing."""

import json

import numpy as np
import pytest
from PIL import Image

from striate.recognizer import Recognizer
from striate.tasks.generation.gaussian import Gaussian
from striate.tasks.table import TASKS


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Two classes: dark and bright pictures, each with one direction of light."""
    means = np.stack([np.full(64, 40), np.full(64, 200)]).astype(np.float32)
    directions = np.full((2, 3, 64), 15, np.float32)
    predictor = Gaussian(
        means=means, directions=directions, size=8, channels=1, told=("dark", "bright"),
        prior=np.array([0.5, 0.5]),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("sample") / "gaussian.safetensors"
    Recognizer(TASKS["generation"], predictor, ("dark", "bright")).save(path)
    return path


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def test_a_grid_and_the_same_one_again(striate, model):
    done = striate("sample", model, "--count", 10, "--out", "a.png", "--json")
    assert done.code == 0
    assert json.loads(done.out)["count"] == 10
    assert pixels("a.png").shape == (3 * 10 - 2, 4 * 10 - 2)  # 8 pixels and a gap of 2
    striate("sample", model, "--count", 10, "--out", "b.png")
    striate("sample", model, "--count", 10, "--out", "c.png", "--seed", 1)
    assert np.array_equal(pixels("a.png"), pixels("b.png"))
    assert not np.array_equal(pixels("a.png"), pixels("c.png"))


def test_a_class_a_folder_and_a_film(striate, model, tmp_path):
    assert striate("sample", model, "--count", 70, "--class", "bright", "--out", "each").code == 0
    files = sorted((tmp_path / "here" / "each").iterdir())
    assert len(files) == 70
    assert min(pixels(file).mean() for file in files) > 100
    assert (
        striate(
            "sample", model, "--walk", 3, 4, "--class", "dark", "--count", 5, "--out", "walk.gif"
        ).code
        == 0
    )
    with Image.open("walk.gif") as film:
        assert 1 < film.n_frames <= 5  # equal ones are one


def test_a_walk_begins_and_ends_at_its_seeds(striate, model):
    striate("sample", model, "--walk", 3, 4, "--count", 6, "--class", "dark", "--out", "w.png")
    walk = pixels("w.png")
    assert walk.shape == (8, 6 * 10 - 2)
    for seed, place in ((3, 0), (4, 50)):
        args = ("--count", 1, "--class", "dark", "--seed", seed, "--out", "one.png")
        striate("sample", model, *args)
        assert np.array_equal(pixels("one.png"), walk[:, place : place + 8])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("--class", "red"), "no class of this generator is called 'red'"),
        (("--count", "100000000"), "give a folder"),
        (("--count", "2000", "--out", "a.gif"), "a film has 1000 frames at most"),
        (("--out", "a.mp4"), "a.mp4"),
        (("--walk", "-1", "2"), "seeds are from 0"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(striate, model, given, reason):
    done = striate("sample", model, *given)
    assert done.code == 2
    assert done.one_line
    assert reason in done.err


def test_other_recognizers_make_no_pictures(striate, recognizer):
    done = striate("sample", recognizer)
    assert done.code == 2
    assert "makes no pictures" in done.err
