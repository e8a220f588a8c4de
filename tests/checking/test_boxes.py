"""Sets with boxes: copies, leaks, and what is wrong with the boxes themselves."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import striate.data
from striate.checking.boxes import check_boxes, marked, scored_apart
from striate.data.boxes import BoxedDataset
from striate.errors import DataError

BOX = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)


@pytest.fixture
def marked_set(tmp_path: Path, scene) -> Path:
    """Twelve pictures with a cat each; 3 also has a dog. Splits of 6, 3 and 3."""
    root = tmp_path / "marked"
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / part).mkdir(parents=True)
    for number in range(12):
        scene(number).save(root / "JPEGImages" / f"{number:02d}.png")
        things = BOX.format("cat", 11, 11, 40, 50)
        things += BOX.format("dog", 50, 20, 70, 60) if number == 7 else ""
        (root / "Annotations" / f"{number:02d}.xml").write_text(
            f"<annotation>{things}</annotation>"
        )
    for name, rows in (("train", range(6)), ("val", range(6, 9)), ("test", range(9, 12))):
        (root / "ImageSets/Main" / f"{name}.txt").write_text("\n".join(f"{r:02d}" for r in rows))
    return root


def opened(root: Path) -> BoxedDataset:
    data = striate.data.open(root)
    assert isinstance(data, BoxedDataset)
    return data


def test_a_sound_set(marked_set: Path) -> None:
    data = opened(marked_set)
    found = check_boxes(data, deep=False)
    assert found.boxes is not None
    assert found.boxes.counts == [[6, 3, 3], [0, 1, 0]]
    assert found.boxes.lines == ("dog is marked, but in no training image",)
    assert found.boxes.sides[0] == pytest.approx([np.sqrt(30 * 40)] * 3)  # edges 10..40, 10..50
    assert marked(data, 7) == "1 cat, 1 dog"
    more = check_boxes(replace(data, classes=("cat", "dog", "emu")), deep=False)
    assert more.boxes is not None
    assert more.boxes.unlearnable == ("dog",)
    assert more.boxes.sides[2] is None
    assert scored_apart(data).split.tolist() == data.split.tolist()
    assert "12 images of 2 classes of things" in str(found)


def test_copies_leak_and_differ_and_doubts_are_shown(marked_set: Path, tmp_path: Path) -> None:
    pictures, notes = marked_set / "JPEGImages", marked_set / "Annotations"
    shutil.copyfile(pictures / "00.png", pictures / "11.png")  # a test image learned from
    wrong = BOX.format("cat", 11, 11, 40, 50) * 2 + BOX.format("dog", 90, 20, 140, 60)
    wrong += BOX.format("dog", 5, 5, 5, 60)
    (notes / "11.xml").write_text(f"<annotation>{wrong}</annotation>")
    data = opened(marked_set)
    found = check_boxes(data, deep=False)
    assert found.boxes is not None
    assert found.boxes.lines[:2] == (
        "1 picture marked in two ways",
        "dog is marked, but in no training image",
    )
    assert {doubt.kind for doubt in found.boxes.doubts} >= {"outside", "repeated"}
    assert found.to_json()["boxes"]["differing"] == [["JPEGImages/00.png", "JPEGImages/11.png"]]
    clean = scored_apart(data)
    assert clean.split.tolist() == [0] * 6 + [1] * 3 + [2, 2, -1]
    assert "1 of 3 test images" in clean.notes[-1]
    page = found.report(tmp_path / "check.html").read_text()
    assert page.count("<b>outside</b>") == 1
    assert "Boxes that are not as they should be" in page
    assert "The classes" not in page


def test_a_test_of_nothing_but_copies_is_refused(marked_set: Path) -> None:
    data = opened(marked_set)
    images = data.images.take([0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2])
    with pytest.raises(DataError, match="Test on others"):
        scored_apart(replace(data, images=images))
