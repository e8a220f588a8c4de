"""Tags from VOC's lists of one class each, from boxes and from masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data import Tags
from striate.errors import DataError
from striate.tasks.opening import open as open_data

BOX = "<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>1</xmin>\
<ymin>1</ymin><xmax>6</xmax><ymax>6</ymax></bndbox></object>"


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Eight pictures: cats in even ones, dogs in the first four; in the sixth a difficult dog."""
    root = tmp_path / "voc"
    main = root / "ImageSets" / "Main"
    main.mkdir(parents=True)
    for number in range(8):
        picture(root / "JPEGImages" / f"{number:06d}.png", number)
    parts = {"train": range(6), "val": [6], "test": [7], "trainval": range(7)}
    for part, rows in parts.items():
        cats = [f"{k:06d} {'1' if k % 2 == 0 else '-1':>2}" for k in rows]
        dogs = [f"{k:06d} {'1' if k < 4 else ' 0' if k == 6 else '-1':>2}" for k in rows]
        (main / f"cat_{part}.txt").write_text("\n".join(cats) + "\n")
        (main / f"dog_{part}.txt").write_text("\n".join(dogs) + "\n")
    return root


def test_lists_of_one_class_each(voc: Path) -> None:
    data = open_data(voc)
    assert isinstance(data.targets, Tags)
    assert data.classes == ("cat", "dog")
    assert data.split.tolist() == [0] * 6 + [1, 2]  # trainval moves nothing
    assert data.targets.numbers[:, 0].tolist() == [1, 0, 1, 0, 1, 0, 1, 0]
    assert data.targets.numbers[:, 1].tolist() == [1, 1, 1, 1, 0, 0, -1, 0]  # 0 is difficult
    assert data.targets.words(6) == "cat, (dog)"


def test_a_line_that_says_nothing_is_left_out_by_name(voc: Path) -> None:
    with (voc / "ImageSets/Main/cat_train.txt").open("a") as file:
        file.write("000001 maybe\n")
    (gone,) = open_data(voc).left_out
    assert gone.name == "ImageSets/Main/cat_train.txt:7"


def test_boxes_are_tags_where_that_is_asked(voc: Path) -> None:
    """One of them difficult: nobody knows, unless another of the class is there."""
    for path in (voc / "ImageSets" / "Main").iterdir():
        path.unlink()
    (voc / "Annotations").mkdir()
    for number in range(8):
        objects = BOX.format(name="cat", difficult=0) * (number % 2 == 0)
        objects += BOX.format(name="dog", difficult=int(number > 3)) * (number % 3 != 2)
        text = f"<annotation><filename>{number:06d}.png</filename>{objects}</annotation>"
        (voc / "Annotations" / f"{number:06d}.xml").write_text(text)
    assert open_data(voc).targets.kind == "boxes"
    data = open_data(voc, task="tags", learn=False)
    by_name = {data.inputs.name(k)[-5]: data.targets.numbers[k].tolist() for k in range(8)}
    assert [by_name[str(k)] for k in range(8)] == [
        [1, 1], [0, 1], [1, 0], [0, 1], [1, -1], [0, 0], [1, -1], [0, -1],
    ]  # fmt: skip


def test_masks_are_tags_where_that_is_asked(tmp_path: Path) -> None:
    root = tmp_path / "masked"
    for number in range(8):
        picture(root / "images" / f"{number}.png", number)
        mask = np.zeros((8, 8), np.uint8)
        mask[:2] = number % 2
        mask[6:] = 2 * (number < 5)
        (root / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(root / "masks" / f"{number}.png")
    data = open_data(root, task="tags", learn=False)
    counts = (data.targets.numbers == 1).sum(0).tolist()
    assert counts == [8, 4, 5]


def test_one_class_a_picture_is_for_another_task(tmp_path: Path) -> None:
    for number in range(6):
        picture(tmp_path / ("cat", "dog")[number % 2] / f"{number}.png", number)
    with pytest.raises(DataError, match="expected tags, which are read from"):
        open_data(tmp_path, task="tags")
