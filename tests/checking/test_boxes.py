"""Sets with boxes: copies, leaks, and what is wrong with the boxes themselves."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import striate.data
from striate.checking import check, lines, see_listable, summary, to_json, trusted, write_page
from striate.checking.appearance import VIEW
from striate.data import Boxes, Dataset, decode
from striate.errors import DataError
from striate.visualize.boxes import marked

BOX = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)


@pytest.fixture
def marked_set(tmp_path: Path, scene) -> Path:
    """Twelve pictures with a cat each; 7 also has a dog. Splits of 6, 3 and 3."""
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


def scored(data: Dataset[Boxes]) -> Dataset[Boxes]:
    return trusted(decode(data, [VIEW])).dataset


def test_a_sound_set(marked_set: Path) -> None:
    data = striate.data.open(marked_set, kinds=["boxes"])
    found = check(data, deep=False)
    assert data.counts().tolist() == [[6, 3, 3], [0, 1, 0]]
    assert not found.judged
    assert found.facts.faults == ("dog is marked, but in no training image",)
    sides = found.facts.values["sides"]["cat"]
    assert list(sides.values()) == pytest.approx([np.sqrt(30 * 40)] * 3)  # edges 10..40, 10..50
    more = replace(data.targets, names=("cat", "dog", "emu"))
    found = check(replace(data, targets=more), deep=False)
    assert found.facts.faults == ("dog is marked, but in no training image",)
    assert found.facts.values["sides"]["emu"] is None
    assert scored(data).split.tolist() == data.split.tolist()
    assert "12 images of 3 classes of things" in summary(found)
    assert "emu has no things" in summary(found)
    with pytest.raises(DataError, match="no place for boxes"):
        see_listable(data, Path("clean.csv"))


def test_copies_leak_and_differ_and_doubts_are_shown(marked_set: Path, tmp_path: Path) -> None:
    pictures, notes = marked_set / "JPEGImages", marked_set / "Annotations"
    shutil.copyfile(pictures / "00.png", pictures / "11.png")  # a test image learned from
    wrong = BOX.format("cat", 11, 11, 40, 50) * 2 + BOX.format("dog", 90, 20, 140, 60)
    wrong += BOX.format("dog", 5, 5, 5, 60)
    (notes / "11.xml").write_text(f"<annotation>{wrong}</annotation>")
    data = striate.data.open(marked_set)
    found = check(data, deep=False)
    assert "1 picture with different boxes" in lines(found)
    assert "dog is marked, but in no training image" in lines(found)
    value = json.loads(json.dumps(to_json(found)))
    assert {doubt["kind"] for doubt in value["doubts"]} >= {"outside", "repeated"}
    assert value["conflicts"] == [["JPEGImages/00.png", "JPEGImages/11.png"]]
    clean = scored(data)
    assert clean.split.tolist() == [0] * 6 + [1] * 3 + [2, 2, -1]
    assert "1 of 3 test images" in clean.notes[0]
    page = write_page(found, tmp_path / "check.html", marked).read_text()
    assert page.count("<b>outside</b>") == 1
    assert "Marks that are not as they should be" in page
    assert "The same picture with different boxes" in page
    assert "35 px" in page
    framed = page.count("data:image/jpeg")
    assert write_page(found, tmp_path / "plain.html").read_text().count("data:image/jpeg") < framed


def test_a_test_of_nothing_but_copies_is_refused(marked_set: Path) -> None:
    data = striate.data.open(marked_set)
    inputs = data.inputs.take([0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2])
    with pytest.raises(DataError, match="Test on others"):
        scored(replace(data, inputs=inputs))
