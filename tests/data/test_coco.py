"""COCO folders: both layouts, crowds, and files that are not of the format."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import striate.data
from striate.data.boxes import BoxedDataset
from striate.data.coco import find_coco, open_coco
from striate.errors import DataError

CATEGORIES = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}, {"id": 9, "name": "never"}]


def table(*boxes: list[Any], name: str = "a.jpg") -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": name, "height": 30, "width": 40}],
        "categories": CATEGORIES,
        "annotations": [
            {"image_id": 1, "category_id": category, "bbox": box, "iscrowd": crowd}
            for category, box, crowd in boxes
        ],
    }


def write(path: Path, value: Any, picture: Path | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    if picture:
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(picture)


def test_the_layout_of_2017(tmp_path: Path) -> None:
    for word in ("train2017", "val2017"):
        content = table([7, [1, 2, 10, 20], 0], [3, [5, 5, 100, 10], 1])
        write(
            tmp_path / "annotations" / f"instances_{word}.json", content, tmp_path / word / "a.jpg"
        )
    write(tmp_path / "annotations" / "captions_train2017.json", {"annotations": []})
    data = striate.data.open(tmp_path)
    assert isinstance(data, BoxedDataset)
    assert data.classes == ("cat", "dog")
    assert data.objects[0].boxes.tolist() == [[1, 2, 11, 22], [5, 5, 40, 15]]
    assert data.objects[0].crowd.tolist() == [False, True]
    assert data.split.tolist() == [0, 1]
    assert data.counts()[:, :2].tolist() == [[0, 0], [1, 1]]  # crowds are not owed
    assert [doubt.kind for doubt in data.doubts] == ["outside", "outside"]
    assert data.images[1].shape == (30, 40, 3)


def test_the_layout_of_one_folder_a_split(tmp_path: Path) -> None:
    for word in ("train", "valid", "test"):
        name = tmp_path / word / "_annotations.coco.json"
        write(name, table([7, [1, 2, 10, 20], 0]), tmp_path / word / "a.jpg")
    data = open_coco(tmp_path, find_coco(tmp_path))
    assert sorted(data.split.tolist()) == [0, 1, 2]
    assert [data.images.name(row) for row in range(3)] == [
        "test/a.jpg", "train/a.jpg", "valid/a.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], "no object of images"),
        ({"images": []}, "no list of categories"),
        (table([7, [1, 2, 3], 0]), "no COCO file of objects"),
        (table([8, [1, 2, 3, 4], 0], [7, [1, 2, 3, 4], 0]), "no COCO file of objects"),
        (table([7, [1, 2, 1e9, 4], 0]), "no image holds"),
        (table([7, [1, 2, 3, 4], 0], name="../a.jpg"), "leads out"),
        (table(), "no object is marked"),
        (table([7, [1, 2, 3, 4], 0]), "none of the 1 images"),
    ],
)
def test_files_that_are_not_of_the_format(tmp_path: Path, value: Any, message: str) -> None:
    path = tmp_path / "annotations" / "instances_train.json"
    write(path, value)
    with pytest.raises(DataError, match=message):
        open_coco(tmp_path, [path])
