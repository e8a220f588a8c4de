"""striate style: a picture, a film, and mistakes told in one line."""

import json

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from striate.models import create

NETWORK = ("--network", "resnet20", "--content-layers", "stage3", "--style-layers", "stem,stage2")


@pytest.fixture
def files(tmp_path):
    network = create("resnet20")
    save_file(network.state_dict(), tmp_path / "net.safetensors")
    random = np.random.default_rng(0)
    for name, sides in (("photo", (70, 90, 3)), ("painting", (50, 60, 3))):
        Image.fromarray(random.integers(0, 255, sides, np.uint8)).save(tmp_path / f"{name}.png")
    return [tmp_path / "photo.png", tmp_path / "painting.png", *NETWORK,
            "--weights", tmp_path / "net.safetensors", "--size", 64]  # fmt: skip


def test_a_picture_and_a_film(striate, files):
    done = striate("style", *files, "--iterations", 3, "--film", "f.gif", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["width"], found["height"], found["iterations"]) == (64, 50, 3)
    with Image.open("styled.png") as picture:
        assert picture.size == (64, 50)
    with Image.open("f.gif") as film:
        assert film.n_frames == 3


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--out", "a.txt"), "ends in"),
        (("--film", "a.jpg"), "ends in"),
        (("--style-layers", "stage22"), "did you mean stage2"),
        (("--content-layers", " , "), "name at least one layer"),
        (("--colors", "green"), "no colors is called"),
        (("--mask", "nowhere.png"), "nowhere.png"),
        (("--weights", "nowhere.pth"), "nowhere.pth"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(striate, files, tmp_path, arguments, reason):
    before = sorted(tmp_path.iterdir())
    done = striate("style", *files, *arguments)
    assert done.code == 2
    assert reason in done.err
    assert done.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
