"""The sheet of views: what it shows, that a seed repeats it, and mistakes in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from striate.augment import Augmentation
from striate.cli.augment import named
from striate.training import Recipe


def page(path: str) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_sheet_of_digits(striate: Callable[..., Any]) -> None:
    done = striate("augment", "digits", "--images", "3", "--views", "4", "--out", "sheet.png")
    assert (done.code, done.err) == (0, "")
    assert done.out == "sheet.png: 3 pictures, 4 views of each (characters)\n"
    sheet = page("sheet.png")
    assert sheet.ndim == 3
    assert sheet.shape[1] > 4 * 72


def test_a_seed_repeats_the_sheet_and_another_does_not(striate: Callable[..., Any]) -> None:
    few = ("--images", "2", "--views", "2", "--out")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert striate("augment", "digits", *few, f"{name}.png", "--seed", str(seed)).code == 0
    assert np.array_equal(page("a.png"), page("b.png"))
    a, c = page("a.png"), page("c.png")
    assert a.shape != c.shape or not np.array_equal(a, c)


def test_each_thing_alone_as_json(striate: Callable[..., Any]) -> None:
    done = striate("augment", "digits", "--images", "1", "--recipe", "everything", "--each",
                   "--json")  # fmt: skip
    assert done.code == 0
    said = json.loads(done.out)
    assert said["views"] == 15  # nine of geometry, five of color, all
    assert said["recipe"] == "everything"
    assert Augmentation.from_json(said["augmentation"]) == named()["everything"]
    assert Path(said["out"]).exists()


def test_photographs_of_a_folder_with_a_broken_one(
    striate: Callable[..., Any], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            pixels = random.integers(0, 256, (90, 120, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    (tmp_path / "set" / "dog" / "0.png").write_bytes(b"no picture")
    done = striate("augment", str(tmp_path / "set"), "--images", "50", "--views", "1")
    assert done.code == 0
    assert "7 pictures, 1 view of each" in done.out
    assert "photographs" in done.out
    assert Path("augment.png").exists()


@pytest.mark.parametrize(("words", "said"), [
    (["digits", "--recipe", "charcters"], "did you mean characters?"),
    (["digits", "--out", "sheet.txt"], "ends in .png"),
    (["nowhere"], "no folder or data set"),
    (["digits", "--views", "0"], "--views"),
    (["digits", "--images", "x"], "--images"),
])  # fmt: skip
def test_mistakes_end_in_one_line(words: list[str], said: str, striate: Callable[..., Any]) -> None:
    done = striate("augment", *words)
    assert done.code == 2
    assert done.one_line
    assert said in done.err
    assert not list(Path().iterdir())


def test_every_named_one_can_be_part_of_a_recipe() -> None:
    for augmentation in named().values():
        recipe = Recipe(epochs=1, batch_size=1, learning_rate=0.1, augmentation=augmentation)
        said = json.loads(json.dumps(recipe.to_json()))["augmentation"]
        assert Augmentation.from_json(said) == augmentation
