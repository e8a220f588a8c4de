"""Methods learn, are kept in a file, and are compared; in seconds, on squares."""

from dataclasses import replace

import numpy as np
import pytest

import striate
from striate import recognizer
from striate.recognizer import Recognizer
from striate.tasks.contract import Ask, Plan
from striate.tasks.segmentation import unet
from striate.tasks.segmentation.methods import METHODS
from striate.tasks.segmentation.segmenter import Segmenter
from striate.tasks.segmentation.task import Segmentation
from striate.training import Recipe

TASK = Segmentation()
QUICK = Recipe(epochs=1, batch_size=4, learning_rate=0.01, optimizer="adamw")
TINY = {"network": "unet", "width": 4, "depth": 1}


def learned(data, **options):
    return unet.learn(data, Ask(), recipe=QUICK, epoch=240, architecture=TINY, **options)


def test_a_small_unet_finds_squares(data, tmp_path):
    done = learned(data)
    assert done.validation["miou"] > 0.7
    found = TASK.answered(done.predictor, striate.data.decode(data, []), [5, 11])
    assert TASK.scores(found, data, data.classes).value > 0.7
    made = Recognizer(TASK, done.predictor, data.classes, {})
    made.save(tmp_path / "squares.safetensors")
    again = recognizer.load(tmp_path / "squares.safetensors")
    assert isinstance(again.predictor, Segmenter)
    pixels = data.inputs[5]
    first, second = (
        one.predict([one.prepare(pixels)])[0] for one in (done.predictor, again.predictor)
    )
    assert np.array_equal(first.labels, second.labels)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_ready_or_says_why(name):
    method = METHODS[name]
    assert method.approach in ("handcrafted", "transfer", "scratch", "finetune")
    Plan(name, method, Ask())
    if method.approach == "scratch":
        method.ready(name, Ask())


def test_a_comparison_has_a_table_and_a_report(data, monkeypatch, tmp_path):
    learn = unet.learn
    monkeypatch.setitem(
        METHODS,
        "unet",
        replace(
            METHODS["unet"],
            learn=lambda some, ask: learn(
                some.dataset, ask, recipe=QUICK, epoch=8, architecture=TINY
            ),
        ),
    )
    comparison = striate.compare(data, methods=["unet"])
    values = comparison.to_json()
    assert values["task"] == "segmentation"
    assert values["score"] == "miou"
    assert 0 <= values["methods"][0]["score"] <= 1
    assert {"pixel_accuracy", "boundary_f"} <= values["methods"][0]["metrics"].keys()
    comparison.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Intersection over union of each class" in page
    assert "takes for which" in page
    assert page.count("data:image/") >= 3
