"""VOC folders: one written here, the real one beside the checkout, and files that mean harm."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import striate.data
from striate.data.boxes import BoxedDataset
from striate.data.voc import find_voc, open_voc
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
    assert data.objects[0].boxes.tolist() == [[0, 0, 10, 20], [10, 5, 40, 30]]  # pixels from 1
    assert data.objects[0].classes.tolist() == [1, 0]
    assert data.objects[0].asked.tolist() == [True, False]
    assert data.sizes.tolist() == [[30, 40]] * 3
    assert data.targets.tolist() == [0, 1, 2]  # of the largest; none
    assert any("test.txt names 1 without annotation" in note for note in data.notes)
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
    kinds = [doubt.kind for doubt in data.doubts]
    assert kinds == ["outside", "empty", "outside", "repeated", "tiny"]
    assert data.objects[0].boxes.tolist() == [
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
    assert "no XML" in reasons["Annotations/c.xml"]
    assert reasons["Annotations/d.xml"] == "has no image of its name"
    assert reasons["JPEGImages/e.png"] == "has no annotation"


def test_nothing_marked(tmp_path: Path) -> None:
    write(tmp_path, "a")
    with pytest.raises(DataError, match="no object is marked in 1 annotations"):
        open_voc(tmp_path)


@pytest.mark.parametrize("value", ["", "x", "1e9", "nan"])
def test_boxes_that_are_none(tmp_path: Path, value: str) -> None:
    write(tmp_path, "a", ("dog", 0, 2, 2, 12, 12))
    write(tmp_path, "b", ("dog", 0, value, 2, 12, 12))  # type: ignore[arg-type]
    (left,) = (each for each in open_voc(tmp_path).left_out if each.name.endswith(".xml"))
    assert "box" in left.reason


def test_the_blood_cells(shared: Callable[[str], Path]) -> None:
    folder = shared("data/bccd")
    root = find_voc(folder)
    assert root is not None
    assert root.name == "BCCD"
    data = striate.data.open(folder)
    assert isinstance(data, BoxedDataset)
    assert data.classes == ("Platelets", "RBC", "WBC")
    assert [len(data.train), len(data.validation), len(data.test)] == [205, 87, 72]
    assert data.counts().T.tolist() == [[209, 2382, 214], [83, 968, 87], [69, 805, 71]]
    assert [doubt.kind for doubt in data.doubts] == ["tiny", "tiny"]
    assert not data.drawn
    inside = np.concatenate([each.boxes for each in data.objects])
    assert inside.min() >= 0
    assert (inside.max(0) <= [640, 480, 640, 480]).all()
    assert data.test.images[0].shape == (480, 640, 3)
    assert data.fingerprint() == open_voc(root).fingerprint()
    assert data.train.fingerprint() != data.fingerprint()
