"""striate train --task detection and predict with what it made."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from striate.models.faster_rcnn import faster_rcnn
from striate.models.regions import Settings
from striate.tasks.detection import METHODS, Detector, Method, Scaling
from striate.tasks.detection.faster_rcnn import RECIPE, FasterRCNNFinder
from striate.tasks.detection.faster_rcnn import learn as learn_faster_rcnn

ANNOTATION = (
    "<annotation><object><name>red</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>30</xmax>"
    "<ymax>{}</ymax></bndbox></object></annotation>"
)


@pytest.fixture
def marked(tmp_path):
    """Eight pictures with one box each, one of them reaching too far."""
    root = tmp_path / "marked"
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    for number in range(8):
        clouds = np.random.default_rng(number).integers(0, 160, (6, 8, 3), dtype=np.uint8)
        image = Image.fromarray(clouds).resize((64, 48), Image.Resampling.BICUBIC)
        pixels = np.array(image)  # no picture like another
        pixels[4:30, 4:30] = (220, 20, 20)
        Image.fromarray(pixels).save(root / "JPEGImages" / f"{number}.png")
        bottom = 70 if number == 3 else 30
        (root / "Annotations" / f"{number}.xml").write_text(ANNOTATION.format(bottom))
    return root


@pytest.fixture
def detector(tmp_path):
    """A detector that has learned nothing and says so of everything."""
    settings = Settings(ratios=(1.0,), least=0.0, most=3)
    model = faster_rcnn("efficientnet_lite0", classes=2, width=8, hidden=8, settings=settings)
    architecture = {
        "backbone": "efficientnet_lite0", "pyramid": True, "width": 8, "hidden": 8,
        "smallest": [32.0, 64.0], "settings": vars(settings),
    }  # fmt: skip
    path = tmp_path / "detector.safetensors"
    scaling = Scaling(64, (127.0,) * 3, (128.0,) * 3)
    finder = FasterRCNNFinder(model.eval(), architecture, scaling)
    Detector(finder, ("red", "blue")).save(path)
    return path


@pytest.fixture
def quick(monkeypatch):
    """Faster R-CNN from fresh weights, for an epoch, on pictures of 64 pixels."""

    def fresh(data, ask):
        recipe = RECIPE.but(batch_size=4, epochs=1)
        return learn_faster_rcnn(data, replace(ask, weights=None), recipe=recipe, side=64)

    method = replace(METHODS["faster_rcnn"], learn=fresh)
    monkeypatch.setitem(METHODS, "faster_rcnn", method)
    monkeypatch.setattr("striate.tasks.detection.faster_rcnn.EPOCH", 8)
    monkeypatch.setattr(Method, "prepare", lambda *_: None)


def test_train_without_weights_or_boxes(striate, quick, marked):
    done = striate("train", marked, "--task", "detection", "--epochs", 1, "--out", "run", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["test"]["classes"][0]["name"] == "red"
    assert 0 <= told["test"]["map50"] <= 1
    assert "3.png: red reaches beyond the image of 64 x 48: cut off" in done.err
    done = striate("predict", told["recognizer"], marked / "JPEGImages" / "0.png", "--json")
    assert done.code == 0
    assert set(json.loads(done.out)) == {"path", "objects"}


def test_boxes_are_printed_and_drawn(striate, detector, marked):
    folder = marked / "JPEGImages"
    (folder / "broken.jpg").write_text("no picture")
    done = striate("predict", detector, folder, "--draw", "drawn", "--json")
    assert done.code == 0
    rows = [json.loads(each) for each in done.out.splitlines()]
    assert sum("error" in row for row in rows) == 1
    first = next(row for row in rows if "objects" in row)
    for each in first["objects"]:
        assert each["label"] in ("red", "blue")
        assert 0 <= each["box"][0] < each["box"][2] <= 64
        assert 0 <= each["box"][1] < each["box"][3] <= 48
    from pathlib import Path

    drawn = sorted(Path("drawn").iterdir())
    assert len(drawn) == 8
    with Image.open(drawn[0]) as image:
        assert image.size == (64, 48)
    assert done.err == "1 of 9 could not be read\n"
    done = striate("predict", detector, folder / "0.png", "--top", 1)
    assert done.out.count(" at ") == 1


def test_the_wrong_task_says_what_to_do(striate, marked, tmp_path):
    done = striate("train", marked)
    assert done.code == 2
    assert done.one_line
    assert "--task detection" in done.err
    done = striate("compare", marked)
    assert done.code == 2
    assert "--task detection" in done.err
    done = striate("train", marked, "--task", "detection", "--approach", "transfer")
    assert done.code == 2
    done = striate("train", marked, "--task", "detection", "--model", "faster_rcnn_resnet17")
    assert done.code == 2
    assert "faster_rcnn_resnet18" in done.err


@pytest.mark.parametrize(
    "before", [("compare",), ("augment",), ("evaluate", "RECOGNIZER"), ("train",)]
)
def test_commands_for_one_class_an_image_say_where_boxes_belong(
    striate, recognizer, marked, before
):
    given = [recognizer if word == "RECOGNIZER" else word for word in before]
    done = striate(*given, marked)
    assert (done.code, done.one_line) == (2, True)
    assert "--task detection" in done.err


def test_compare_tells_evaluates_and_goes_on(striate, quick, marked):
    asked = ("compare", marked, "--task", "detection", "--approaches", "faster_rcnn")
    done = striate(*asked, "--out", "kept", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    (row,) = told["methods"]
    assert row["method"] == told["best"] == "faster_rcnn"
    assert row["images"] == told["data"]["images"]["test"]
    assert row["interval"][0] <= row["map50"] <= row["interval"][1]
    from pathlib import Path

    page = Path(told["report"]).read_text()
    assert "mean average precision" in page
    assert page.count("<polyline") <= 1
    # once more: it is there already, and is tested, not learned
    again = json.loads(striate(*asked, "--out", "kept", "--json").out)
    assert again["methods"][0]["stages"] == row["stages"]
    done = striate(*asked, "--out", "kept", "--seed", 1)
    assert done.code == 2
    assert "another seed" in done.err.splitlines()[-1]
    done = striate("evaluate", row["recognizer"], marked, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["map50"] == row["map50"]
    assert json.loads(done.out)["mistakes"] == row["mistakes"]
    done = striate("evaluate", row["recognizer"], marked, "--split", "all")
    assert "mean average precision" in done.out
    assert "on 8 all images" not in done.out
    done = striate("evaluate", row["recognizer"], marked, "--crops", 10)
    assert (done.code, done.one_line) == (2, True)


def test_what_a_comparison_of_detectors_refuses(striate, marked):
    asked = ("compare", marked, "--task", "detection")
    for wrong, said in (
        (("--seeds", 2), "once"),
        (("--keep-leaks",), "never scored"),
        (("--approaches", "faster_rcn"), "faster_rcnn"),
        (("--approaches", ","), "at least one method"),
    ):
        done = striate(*asked, *wrong)
        assert done.code == 2
        assert said in done.err.splitlines()[-1]


def test_recognizers_are_not_scored_beside_detectors(striate, detector, recognizer, marked):
    done = striate("evaluate", detector, recognizer, marked)
    assert (done.code, done.one_line) == (2, True)
    assert "is no detector" in done.err
