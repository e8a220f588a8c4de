"""YOLO folders as Ultralytics, Roboflow and darknet lay them out."""

from pathlib import Path

import pytest
from PIL import Image

import striate.data
from striate.data.yaml import read_yaml

LINE = "1 0.5 0.5 0.5 0.4\n"  # of 40 x 30: 10, 9, 30, 21


def picture(path: Path, text: str | None = LINE, label: Path | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30)).save(path)
    if text is not None:
        label = label or path.with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(text)


def set_of(root: Path, layout: str) -> Path:
    """Three splits of two pictures each."""
    for word in ("train", "val", "test"):
        for name in "ab":
            place = root / layout.format(word) / f"{word}{name}.jpg"
            folder = Path(str(place.parent).replace("images", "labels"))
            picture(place, label=folder / f"{word}{name}.txt")
    return root


@pytest.mark.parametrize("layout", ["images/{}", "{}/images", "{}"])
@pytest.mark.parametrize(
    "about",
    [
        "train: ../{0}\nval: ../{1}\ntest: ../{2}\nnc: 2\nnames: [cat, 'dog']",
        "path: /content/set\ntrain: {0}  # 9 images\nval: {1}\ntest: {2}\nnames:\n  0: cat\n"
        "  1: dog\n",
        "names:\n- cat\n- dog\ntrain:\n  - C:\\work\\{0}\nval: {1}/\ntest: {2}\n",
        "names: {{0: cat, 1: dog}}",
    ],
)
def test_layouts_and_their_yaml(tmp_path: Path, layout: str, about: str) -> None:
    root = set_of(tmp_path, layout)
    places = [layout.format(word) for word in ("train", "val", "test")]
    (root / "data.yaml").write_text(about.format(*places))
    data = striate.data.open(root)
    assert data.classes == ("dog",)
    assert [len(data.train), len(data.validation), len(data.test)] == [2, 2, 2]
    assert data.targets.objects[0].boxes.tolist() == [[10, 9, 30, 21]]
    assert data.left_out == ()
    assert data.notes == ()


def test_one_folder_for_training_and_validation(tmp_path: Path) -> None:
    for name in "abcdef":
        picture(tmp_path / "images" / "all" / f"{name}.jpg")
    (tmp_path / "coco8.yaml").write_text("train: images/all\nval: images/all\nnames: [cat, dog]\n")
    data = striate.data.open(tmp_path)
    assert data.drawn == {"test", "validation"}
    assert data.notes == ("data.yaml names one folder as validation and as train",)


def test_lists_of_images_and_names_of_darknet(tmp_path: Path) -> None:
    for name in "abcd":
        picture(tmp_path / "data" / f"{name}.jpg")
    (tmp_path / "obj.names").write_text("cat\ndog\n")
    data = striate.data.open(tmp_path)
    assert data.classes == ("dog",)
    (tmp_path / "data.yaml").write_text("train: train.txt\nval: val.txt\nnames: [a, b]\n")
    (tmp_path / "train.txt").write_text("data/a.jpg\n./data/b.jpg\n")
    (tmp_path / "val.txt").write_text("/content/data/c.jpg\n")
    data = striate.data.open(tmp_path)
    assert data.split.tolist()[:3] == [0, 0, 1]
    assert "1 image on no list of data.yaml, and in no split" in data.notes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5", "has 2 numbers after the class, and not 4"),
        ("0 120 80 30 20", "are not fractions"),
        ("0 nan 0.5 0.5 0.5", "are not fractions"),
        ("x 0.5 0.5 0.5 0.5", "is not numbers"),
        ("7 0.5 0.5 0.5 0.5", "is of class 7, which has no name"),
        ("1.5 0.5 0.5 0.5 0.5", "has no class number"),
        ("9" * 30 + " 0.5 0.5 0.5 0.5", "has no class number"),
    ],
)
def test_a_bad_line_costs_only_itself(tmp_path: Path, line: str, reason: str) -> None:
    picture(tmp_path / "a.jpg", LINE + line)
    picture(tmp_path / "b.jpg")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    data = striate.data.open(tmp_path, learn=False)
    assert [len(each) for each in data.targets.objects] == [1, 1]
    (left,) = data.left_out
    assert left.name == "a.txt, line 2"
    assert reason in left.reason


def test_outlines_confidences_and_empty_files(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg", "1 0.25 0.3 0.75 0.3 0.5 0.7\n1 0.5 0.5 0.5 0.4 0.98\n")
    picture(tmp_path / "b.jpg", "")
    picture(tmp_path / "c.jpg", None)
    picture(tmp_path / "d.jpg")
    data = striate.data.open(tmp_path)
    assert data.classes == ("1",)
    assert data.targets.objects[0].boxes.round(3).tolist() == [[10, 9, 30, 21]]
    assert [doubt.kind for doubt in data.targets.doubts] == ["repeated"]
    assert len(data.targets.objects[1]) == 0
    assert [each.name for each in data.left_out] == ["c.jpg"]


def test_class_folders_with_other_texts_are_class_folders(many) -> None:
    root = many(4, "cat", "dog")
    for path in list(root.rglob("*.png")):
        path.with_suffix(".txt").write_text("a picture of an animal")
    assert striate.data.open(root).targets.kind == "labels"


def test_yaml(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "# made by us\ntrain: 'a # b'  # c\nnames: ['x, y', \"z\",\n  w]\nother:\n  deep:\n"
        "    - 1\n? odd\n"
    )
    found = read_yaml(path)
    assert found["train"] == "a # b"
    assert found["names"] == ["x, y", "z", "w"]
