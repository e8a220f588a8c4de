"""COCO folders: both layouts, crowds, and files that are not of the format."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import striate.data
from striate.data.boxes import Boxes
from striate.data.coco import open_coco, plain_id
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
    assert isinstance(data.targets, Boxes)
    assert data.classes == ("cat", "dog")
    assert data.targets.objects[0].boxes.tolist() == [[1, 2, 11, 22], [5, 5, 40, 15]]
    assert data.targets.objects[0].crowd.tolist() == [False, True]
    assert data.split.tolist() == [0, 1]
    assert data.counts()[:, :2].tolist() == [[0, 0], [1, 1]]  # crowds are not owed
    assert [doubt.kind for doubt in data.targets.doubts] == ["outside", "outside"]
    assert data.inputs[1].shape == (30, 40, 3)


def test_the_layout_of_one_folder_a_split(tmp_path: Path) -> None:
    for word in ("train", "valid", "test"):
        name = tmp_path / word / "_annotations.coco.json"
        write(name, table([7, [1, 2, 10, 20], 0]), tmp_path / word / "a.jpg")
    data = open_coco(tmp_path)
    assert sorted(data.split.tolist()) == [0, 1, 2]
    assert [data.inputs.name(row) for row in range(3)] == [
        "test/a.jpg", "train/a.jpg", "valid/a.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (table([7, [1, 2, 3], 0]), "bbox that is not four numbers"),
        (table([7, [1, 2, 1e9, 4], 0]), "bbox that no image holds"),
        (table([7, [1, 2, float("inf"), 4], 0]), "bbox that no image holds"),
        (table([8, [1, 2, 3, 4], 0]), "category_id meets no category"),
        (table([7, [1, 2, 3, 4], 0], name="b.jpg"), "b.jpg: no such file"),
        (table([7, [1, 2, 3, 4], 0]) | {"images": [3]}, "image_id meets no image"),
    ],
)
def test_where_nothing_is_left_the_cause_is_named(tmp_path: Path, value: Any, message: str) -> None:
    write(tmp_path / "annotations" / "instances_train.json", value, tmp_path / "images" / "a.jpg")
    with pytest.raises(DataError, match=message):
        open_coco(tmp_path)


@pytest.mark.parametrize(
    "box", [[], None, "absent", [1, 2, 3], ["a", 1, 2, 3], {"x": 1}, [10**25] * 4]
)
def test_one_bad_annotation_costs_only_itself(tmp_path: Path, box: Any) -> None:
    value = table([7, [1, 2, 10, 20], 0])
    bad = {"id": 99, "image_id": 1, "category_id": 3}
    value["annotations"].append(bad if box == "absent" else bad | {"bbox": box})
    write(tmp_path / "instances.json", value, tmp_path / "a.jpg")
    data = striate.data.open(tmp_path)
    assert [len(each) for each in data.targets.objects] == [1]
    (left,) = data.left_out
    assert left.name == "instances.json: annotation 99"


@pytest.mark.parametrize("kind", ["image", "category"])
def test_ids_may_be_text_in_one_table(tmp_path: Path, kind: str) -> None:
    value = table([7, [1, 2, 10, 20], 0])
    value["annotations"][0][f"{kind}_id"] = str(value["annotations"][0][f"{kind}_id"])
    write(tmp_path / "instances.json", value, tmp_path / "a.jpg")
    data = striate.data.open(tmp_path)
    assert [len(each) for each in data.targets.objects] == [1]
    assert plain_id("007") == plain_id(7) == 7


def test_ids_that_meet_nothing_or_stand_twice(tmp_path: Path) -> None:
    value = table([7, [1, 2, 10, 20], 0])
    value["images"] += [
        {"id": 2, "file_name": "b.jpg", "height": 30, "width": 40},
        {"id": 2, "file_name": "c.jpg", "height": 30, "width": 40},
    ]
    value["annotations"] += [
        {"id": 5, "image_id": image, "category_id": category, "bbox": [1, 1, 9, 9]}
        for image, category in ((77, 7), (1, 88), (2, 7))
    ]
    for name in "abc":
        write(tmp_path / "instances.json", value, tmp_path / f"{name}.jpg")
    data = striate.data.open(tmp_path)
    assert [data.inputs.name(row) for row in range(len(data))] == ["a.jpg"]
    left = {each.name: each.reason for each in data.left_out}
    assert left["instances.json: image id 2"] == "stands for several images: 'b.jpg', 'c.jpg'"
    assert [note for note in data.notes if "meets no" in note] == [
        "instances.json: of 2 annotations, the image_id meets no image",
        "instances.json: of 1 annotation, the category_id meets no category",
    ]


FORMS = [
    "images\\{}",
    "..\\..\\media\\upload\\4\\{}",
    "/data/upload/4/{}",
    "C:\\Users\\x\\images\\{}",
    "/data/local-files/?d=images/{}",
    "https://x.org/a/{}?token=3",
    "../../../etc/{}",
    "0a1b2c3d-{}",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["my photo.jpg", "a.jpg"])
def test_paths_of_other_machines(tmp_path: Path, form: str, name: str) -> None:
    root = tmp_path / "set"
    value = table([7, [1, 2, 10, 20], 0], name=form.format(name.replace(" ", "%20")))
    write(root / "result.json", value, root / "images" / name)
    picture = tmp_path / "etc" / name
    write(tmp_path / "other.json", value, picture)
    data = striate.data.open(root)
    assert data.inputs.name(0) == f"images/{name}"


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    root = tmp_path / "set"
    value = table([7, [1, 2, 10, 20], 0], name="../secret.jpg")
    write(root / "instances.json", value, tmp_path / "secret.jpg")
    with pytest.raises(DataError, match=r"\.\./secret.jpg: no such file"):
        open_coco(root)


def test_what_is_not_of_the_format_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "annotations"
    write(
        folder / "instances_train2017.json",
        table([7, [1, 2, 10, 20], 0]),
        tmp_path / "train2017" / "a.jpg",
    )
    write(folder / "image_info_test2017.json", {"images": [{"id": 9, "file_name": "z.jpg"}]})
    data = striate.data.open(tmp_path)
    assert len(data) == 1
    assert data.left_out == ()
    assert "image_info_test2017.json" in data.notes[0]


@pytest.mark.parametrize(
    "value",
    [
        {"name": "my set", "images": 24},
        [{"images": []}],
        {"images": ["red/a.jpg"]},
        [1],
        {},
        {
            "images": [{"id": 1, "file_name": "a.jpg"}],
            "annotations": [{"image_id": 1, "category_id": 1}],
            "categories": [{"id": 1, "name": "x"}],
        },
        {"images": 1, "annotations": 2, "categories": 3, "x": "bbox"},
    ],
)
def test_other_json_files_beside_class_folders(many, value: Any) -> None:
    root = many(6, "cat", "dog")
    write(root / "info.json", value)
    data = striate.data.open(root)
    assert data.classes == ("cat", "dog")


def test_an_image_of_two_splits_is_scored_and_not_learned_from(tmp_path: Path) -> None:
    for word in ("train", "test"):
        write(
            tmp_path / f"instances_{word}.json", table([7, [1, 2, 10, 20], 0]), tmp_path / "a.jpg"
        )
    data = open_coco(tmp_path)
    assert data.split.tolist() == [2]
    assert "1 image in several splits" in data.notes[0]


def test_a_picture_that_was_resized_after_it_was_labeled(tmp_path: Path) -> None:
    value = table([7, [10, 20, 40, 20], 0])
    value["images"][0] |= {"height": 60, "width": 80}
    write(tmp_path / "instances.json", value, tmp_path / "a.jpg")
    data = open_coco(tmp_path)
    assert data.targets.sizes.tolist() == [[30, 40]]
    assert data.targets.objects[0].boxes.tolist() == [[5, 10, 25, 20]]
    assert "1 image of another size than in the label (80 x 60, and 40 x 30)" in data.notes[0]


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"images": [], "annotations": "bbox", "categories"', "\0\0"]
)
def test_damaged_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").mkdir()
    for name in ("instances_train.json", "instances_val.json"):
        write(tmp_path / name, table([7, [1, 2, 10, 20], 0]), tmp_path / "a.jpg")
    words = '"images" "annotations" "categories" "bbox"'
    (tmp_path / "instances_train.json").write_text(text + words)
    data = open_coco(tmp_path)
    assert len(data) == 1
    assert "is not JSON" in data.left_out[0].reason


def test_a_number_of_five_thousand_digits(tmp_path: Path) -> None:
    value = table([7, [1, 2, 10, 20], 0], [7, [3, 3, 5, "x"], 0])
    write(tmp_path / "instances.json", value, tmp_path / "a.jpg")
    path = tmp_path / "instances.json"
    path.write_text(path.read_text().replace('"x"', "9" * 5000))
    data = open_coco(tmp_path)
    assert [len(each) for each in data.targets.objects] == [1]
    assert data.left_out[0].reason == "has a bbox that no image holds"
