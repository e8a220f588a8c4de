"""VOC folders: one written here, the real one beside the checkout, and files that mean harm."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import striate.data
from striate.data.boxes import Boxes
from striate.data.voc import open_voc
from striate.errors import DataError

OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin>"
    "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)
BOMB = '<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;">]><annotation>&f;</annotation>'


def write(root: Path, name: str, *objects: tuple[str, int, int, int, int, int], size: bool = True):
    (root / "Annotations").mkdir(parents=True, exist_ok=True)
    (root / "JPEGImages").mkdir(exist_ok=True)
    Image.new("RGB", (40, 30)).save(root / "JPEGImages" / f"{name}.jpg")
    inner = "<size><width>40</width><height>30</height></size>" if size else ""
    inner += "".join(OBJECT.format(*each) for each in objects)
    (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{inner}</annotation>")


def lists(root: Path, **names: str) -> None:
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for word, content in names.items():
        (root / "ImageSets" / "Main" / f"{word}.txt").write_text(content)


def test_edges_classes_flags_and_splits(tmp_path: Path) -> None:
    write(tmp_path, "a", ("dog", 0, 1, 1, 10, 20), ("cat", 1, 11, 6, 40, 30))
    write(tmp_path, "b", ("dog", 0, 3, 4, 8, 9), size=False)
    write(tmp_path, "c")
    lists(tmp_path, train="a\nc\n", val="b\n", test="d\n")
    data = open_voc(tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.targets.objects[0].boxes.tolist() == [
        [0, 0, 10, 20],
        [10, 5, 40, 30],
    ]  # pixels from 1
    assert data.targets.objects[0].classes.tolist() == [1, 0]
    assert data.targets.objects[0].asked.tolist() == [True, False]
    assert data.targets.sizes.tolist() == [[30, 40]] * 3
    assert data.targets.strata().tolist() == [0, 1, 2]  # of the largest; none
    assert any("test.txt names 1 image without annotation: 'd'" in note for note in data.notes)
    assert data.drawn == {"test"}
    assert data.counts()[1].sum() == 2


def test_doubtful_boxes_are_told_and_mended(tmp_path: Path) -> None:
    write(
        tmp_path, "a",
        ("dog", 0, 5, 5, 60, 20), ("dog", 0, 9, 9, 9, 8), ("dog", 0, 50, 1, 60, 9),
        ("dog", 0, 2, 2, 12, 12), ("dog", 0, 2, 2, 12, 12), ("dog", 0, 7, 7, 8, 20),
        ("dog", 0, 0, 0, 20, 20),
    )  # fmt: skip
    write(tmp_path, "b", ("dog", 0, 2, 2, 12, 12))
    lists(tmp_path, train="a", val="b")
    data = open_voc(tmp_path)
    kinds = [doubt.kind for doubt in data.targets.doubts]
    assert kinds == ["outside", "empty", "outside", "repeated", "tiny"]
    assert data.targets.objects[0].boxes.tolist() == [
        [4, 4, 40, 20], [1, 1, 12, 12], [6, 6, 8, 20], [0, 0, 20, 20],
    ]  # fmt: skip


def test_what_cannot_be_read_is_left_out_by_name(tmp_path: Path) -> None:
    for name in "abcd":
        write(tmp_path, name, ("dog", 0, 2, 2, 12, 12))
    (tmp_path / "Annotations" / "b.xml").write_text(BOMB)
    (tmp_path / "Annotations" / "c.xml").write_text("<annotation><object>")
    (tmp_path / "JPEGImages" / "d.jpg").unlink()
    Image.new("RGB", (9, 9)).save(tmp_path / "JPEGImages" / "e.png")
    reasons = {each.name: each.reason for each in open_voc(tmp_path).left_out}
    assert "refused" in reasons["Annotations/b.xml"]
    assert "is not XML" in reasons["Annotations/c.xml"]
    assert reasons["Annotations/d.xml"] == "has no image of its name"
    assert reasons["JPEGImages/e.png"] == "has no annotation"


def test_nothing_marked(tmp_path: Path) -> None:
    write(tmp_path, "a")
    with pytest.raises(DataError, match="no object is marked"):
        open_voc(tmp_path)


@pytest.mark.parametrize("value", ["", "x", "1e9", "nan"])
def test_boxes_that_are_none(tmp_path: Path, value: str) -> None:
    write(tmp_path, "a", ("dog", 0, 2, 2, 12, 12))
    write(tmp_path, "b", ("dog", 0, value, 2, 12, 12))  # type: ignore[arg-type]
    data = open_voc(tmp_path)
    (left,) = data.left_out
    assert left.name == "Annotations/b.xml, object 1"
    assert "has a box" in left.reason or left.reason == "has no box"
    assert [len(each) for each in data.targets.objects] == [1, 0]  # it costs only itself


DOG = ("dog", 0, 3, 5, 12, 20)


def one(
    path: Path, *, name: str = "", filename: str = "", size: str = "", word: str = "dog"
) -> None:
    """An annotation of one dog at 2, 4, 12, 20."""
    path.parent.mkdir(parents=True, exist_ok=True)
    inner = f"<filename>{filename}</filename>{size}" + OBJECT.format(word, 0, 3, 5, 12, 20)
    path.write_text(f"<annotation>{inner}</annotation>", "utf-8")


def picture(path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30)).save(path, **options)


@pytest.mark.parametrize(
    "form", ["{}.jpg", "JPEGImages/{}.jpg", "../x/JPEGImages/{}.jpg", "{}", " {} ", "{} -1"]
)
def test_lists_of_names_with_suffixes_and_paths(tmp_path: Path, form: str) -> None:
    for name in ("a", "b 1", "c"):
        write(tmp_path, name, DOG)
    lists(
        tmp_path,
        train=form.format("a") + "\r\n",
        val=form.format("b 1") + "\n\n",
        test=form.format("c"),
    )
    data = open_voc(tmp_path)
    assert data.split.tolist() == [0, 1, 2]
    assert data.notes == ()


def test_trainval_is_learned_from_as_far_as_no_other_list_has_it(tmp_path: Path) -> None:
    for name in "abcdef":
        write(tmp_path, name, DOG)
    lists(tmp_path, trainval="a\nb\nc\nd\n", test="e\nf\n")
    data = open_voc(tmp_path)
    assert data.drawn == {"validation"}
    assert [len(data.train), len(data.validation), len(data.test)] == [3, 1, 2]
    lists_again = tmp_path / "ImageSets" / "Main"
    (lists_again / "train.txt").write_text("a")
    (lists_again / "val.txt").write_text("b")
    data = open_voc(tmp_path)
    assert data.split.tolist() == [0, 1, 0, 0, 2, 2]
    assert not data.drawn


def test_annotations_beside_their_images(tmp_path: Path) -> None:
    for name in "abc":
        one(tmp_path / "flat" / f"{name}.xml")
        picture(tmp_path / "flat" / f"{name}.png")
    for part in ("train", "valid", "test"):
        one(tmp_path / "split" / part / "x.xml")
        picture(tmp_path / "split" / part / "x.png")
    flat = striate.data.open(tmp_path / "flat")
    assert (flat.targets.kind, len(flat)) == ("boxes", 3)
    assert sorted(striate.data.open(tmp_path / "split").split.tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("xml", "image", "filename"),
    [
        ("a.jpg.xml", "a.jpg", ""),
        ("a.XML", "a.JPG", "A"),
        ("1.xml", "IMG.jpg", "C:\\x\\IMG.jpg"),
        ("a.b.xml", "a.b.png", "a.b.jpg"),
        ("1.xml", "IMG 2.jpg", "IMG 2"),
        ("cafe\u0301.xml", "caf\u00e9.jpg", ""),
    ],
)
def test_the_image_of_an_annotation(tmp_path: Path, xml: str, image: str, filename: str) -> None:
    one(tmp_path / "Annotations" / xml, filename=filename)
    picture(tmp_path / "images" / image)
    data = open_voc(tmp_path)
    assert data.left_out == ()
    assert data.inputs.name(0) == f"images/{image}"


def test_of_two_images_of_one_stem_the_named_one(tmp_path: Path) -> None:
    for suffix in ("jpg", "png"):
        picture(tmp_path / "JPEGImages" / f"a.{suffix}")
    one(tmp_path / "Annotations" / "a.xml", filename="a.png")
    data = open_voc(tmp_path)
    assert data.inputs.name(0) == "JPEGImages/a.png"
    assert [each.name for each in data.left_out] == ["JPEGImages/a.jpg"]
    one(tmp_path / "Annotations" / "a.xml")
    with pytest.raises(DataError, match=r"2 files have its name: 'JPEGImages/a\.jpg'"):
        open_voc(tmp_path)


def test_a_filename_that_contradicts_the_own_name(tmp_path: Path) -> None:
    for name in "abc":
        picture(tmp_path / "JPEGImages" / f"{name}.jpg")
    one(tmp_path / "Annotations" / "a.xml", filename="b.jpg")
    one(tmp_path / "Annotations" / "c.xml")
    left = {each.name: each.reason for each in open_voc(tmp_path).left_out}
    assert "one of them is wrong" in left["Annotations/a.xml"]
    one(tmp_path / "Annotations" / "b.xml", filename="a.jpg")  # files that were renamed later
    data = open_voc(tmp_path)
    assert data.left_out == ()
    assert len(data) == 3


ENCODINGS = {
    "gbk": ('<?xml version="1.0" encoding="GBK"?>', "gbk"),
    "gb2312": ("<?xml version='1.0' encoding='gb2312'?>", "gb2312"),
    "undeclared": ("", "gbk"),
    "wrong": ('<?xml version="1.0" encoding="utf-8"?>', "gbk"),
    "mark": ('<?xml version="1.0" encoding="utf-8"?>', "utf-8-sig"),
    "utf-16": ('<?xml version="1.0" encoding="utf-16"?>', "utf-16"),
    "blank line": ('\n <?xml version="1.0"?>', "utf-8"),
    "unknown": ('<?xml version="1.0" encoding="klingon"?>', "utf-8"),
}


@pytest.mark.parametrize("kind", ENCODINGS)
def test_encodings(tmp_path: Path, kind: str) -> None:
    head, coding = ENCODINGS[kind]
    path = tmp_path / "a.xml"
    picture(tmp_path / "a.png")
    one(path, word="\u7ea2\u8272")
    path.write_bytes((head + path.read_text("utf-8")).encode(coding))
    assert striate.data.open(tmp_path, learn=False).classes == ("\u7ea2\u8272",)


def test_an_image_that_lies_by_exif(tmp_path: Path) -> None:
    """Stored 40 x 30 with orientation 6, so 30 x 40 upright; boxes of the upright one or not."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, size in (("upright", (30, 40)), ("stored", (40, 30))):
        root = tmp_path / name
        picture(root / "a.jpg", exif=exif)
        tag = "<size><width>{}</width><height>{}</height></size>".format(*size)
        one(root / "a.xml", size=tag)
    upright, stored = (open_voc(tmp_path / name) for name in ("upright", "stored"))
    assert upright.targets.sizes.tolist() == stored.targets.sizes.tolist() == [[40, 30]]
    assert upright.inputs[0].shape == (40, 30, 3)
    assert upright.targets.objects[0].boxes.tolist() == [[2, 4, 12, 20]]
    assert stored.targets.objects[0].boxes.tolist() == [[10, 2, 26, 12]]  # turned with the picture
    assert upright.notes == ()
    assert "1 image labeled as stored in the file" in stored.notes[0]


def test_a_number_of_twenty_digits_costs_only_itself(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "b.jpg")
    digits = "9" * 20
    one(tmp_path / "a.xml", size=f"<size><width>{digits}</width><height>{digits}</height></size>")
    (tmp_path / "b.xml").write_text(
        f"<annotation>{OBJECT.format('dog', 0, 1, 1, digits, 9)}</annotation>"
    )
    data = open_voc(tmp_path)
    assert data.targets.sizes.tolist() == [[30, 40]] * 2
    assert [each.name for each in data.left_out] == ["b.xml, object 1"]


def test_a_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path, name, DOG)
    (tmp_path / "Annotations" / "a.xml").unlink()
    os.mkfifo(tmp_path / "Annotations" / "a.xml")
    os.mkfifo(tmp_path / "JPEGImages" / "c.jpg")
    one(tmp_path / "Annotations" / "c.xml")
    left = {each.name: each.reason for each in open_voc(tmp_path).left_out}
    assert "is not a regular file" in left["Annotations/a.xml"]
    assert "is not a regular file" in left["JPEGImages/c.jpg"]


def test_system_files_are_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a", DOG)
    (tmp_path / "Annotations" / "._a.xml").write_bytes(b"\0\5\26\7")
    (tmp_path / "JPEGImages" / "._a.jpg").write_bytes(b"\0\5\26\7")
    assert open_voc(tmp_path).left_out == ()


def test_the_blood_cells(shared: Callable[[str], Path]) -> None:
    folder = shared("data/bccd")
    data = striate.data.open(folder)
    assert isinstance(data.targets, Boxes)
    assert data.classes == ("Platelets", "RBC", "WBC")
    assert [len(data.train), len(data.validation), len(data.test)] == [205, 87, 72]
    assert data.counts().T.tolist() == [[209, 2382, 214], [83, 968, 87], [69, 805, 71]]
    assert [doubt.kind for doubt in data.targets.doubts] == ["tiny", "tiny"]
    assert not data.drawn
    inside = np.concatenate([each.boxes for each in data.targets.objects])
    assert inside.min() >= 0
    assert (inside.max(0) <= [640, 480, 640, 480]).all()
    assert data.test.inputs[0].shape == (480, 640, 3)
    assert data.fingerprint() == open_voc(folder / "BCCD").fingerprint()
    assert data.train.fingerprint() != data.fingerprint()
