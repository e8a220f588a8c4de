"""compare and train on pictures with boxes: the same commands, another task."""

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from striate.tasks.detection.faster_rcnn import method as faster_rcnn
from striate.tasks.table import TASKS

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
def quick(monkeypatch):
    """Faster R-CNN on random weights, for an epoch, on pictures of 64 pixels."""

    def fresh(data, ask):
        recipe = faster_rcnn.RECIPE.but(batch_size=4, epochs=1)
        ask = replace(ask, weights=None)
        return faster_rcnn.learn(
            data.dataset, ask, recipe=recipe, side=64, width=8, hidden=8
        )  # fmt: skip

    task = TASKS["detection"]
    method = replace(task.methods["faster_rcnn"], learn=fresh, find=lambda ask: None)
    methods = MappingProxyType({**task.methods, "faster_rcnn": method})
    monkeypatch.setattr(type(task), "methods", methods)
    monkeypatch.setattr(faster_rcnn, "SHOWN", 8)


def test_train_names_doubtful_boxes_and_predict_finds_objects(striate, quick, marked):
    done = striate("train", marked, "--epochs", 1, "--out", "run", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["task"], result["method"]) == ("detection", "faster_rcnn")
    assert 0 <= result["score"] <= 1
    assert "ap50 red" in result["metrics"]
    (doubt,) = result["data"]["doubts"]
    assert doubt["kind"] == "outside"
    assert doubt["name"].endswith("3.png")
    assert "reaches beyond the image of 64 x 48" in doubt["text"]
    done = striate("predict", result["recognizer"], marked / "JPEGImages" / "0.png", "--json")
    assert done.code == 0, done.err
    assert set(json.loads(done.out)) == {"path", "objects"}
    done = striate("train", marked, "--epochs", 1, "--resume", "run")
    assert "faster_rcnn: mAP@0.5 " in done.out
    assert "doubtful: 1\n" in done.out
    assert "3.png: red reaches beyond the image" in done.out


def test_compare_goes_on_and_evaluate_says_the_same(striate, quick, marked):
    asked = ("compare", marked, "--methods", "faster_rcnn", "--out", "kept")
    done = striate(*asked, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    (row,) = result["methods"]
    assert row["method"] == result["best"] == "faster_rcnn"
    assert result["score"] == "map50"
    assert row["interval"][0] <= row["score"] <= row["interval"][1]
    page = Path(result["report"]).read_text()
    assert "mAP@0.5" in page
    # once more: it is there already, and is tested, not learned
    again = json.loads(striate(*asked, "--json").out)
    assert again["methods"][0]["stages"] == row["stages"]
    assert again["methods"][0]["score"] == row["score"]
    done = striate("evaluate", row["recognizer"], marked, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["score"] == row["score"]
    text = striate(*asked)
    assert text.code == 0
    assert "8 examples of 1 class: " in text.out
    assert "3.png: red reaches beyond the image" in text.out


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("train", ("--method", "transfer"), "no method of detection is called 'transfer'"),
        ("train", ("--network", "resnet17"), "resnet18"),
        ("train", ("--task", "classification"), "8 images in 'JPEGImages', no class folders"),
        ("train", ("--method", "dpm", "--epochs", 3), "--epochs: dpm is solved at once"),
        ("compare", ("--methods", "faster_rcn"), "faster_rcnn"),
        ("compare", ("--methods", "dpm", "--network", "vgg16"), "--network vgg16: none of dpm"),
    ],
)
def test_mistakes_are_one_line(striate, marked, command, options, words):
    done = striate(command, marked, *options)
    assert (done.code, done.one_line) == (2, True), done.err
    assert words in done.err
