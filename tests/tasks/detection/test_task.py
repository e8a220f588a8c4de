"""Detection as a task: sound sets, columns, drawing, methods, loading without learning."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.errors import DataError, MissingExtra, UnknownName, UserError
from striate.recognizer import Recognizer
from striate.tasks.contract import Ask
from striate.tasks.detection.prediction import Findings, Found
from striate.tasks.detection.task import Detection

TASK = Detection()


def with_objects(data: Dataset[Boxes], change) -> Dataset[Boxes]:
    """The set with what is marked in its training images changed."""
    objects = tuple(
        change(one) if split == 0 else one
        for one, split in zip(data.targets.objects, data.split.tolist(), strict=True)
    )
    return replace(data, targets=replace(data.targets, objects=objects))


def test_sound_sets(shapes: Dataset[Boxes]) -> None:
    assert TASK.sound(shapes) is shapes
    nothing = with_objects(shapes, lambda one: one.take(np.zeros(len(one), bool)))
    count = int((shapes.split == 0).sum())
    with pytest.raises(DataError, match=f"nothing is marked in its {count} training images"):
        TASK.sound(nothing)
    hard = with_objects(shapes, lambda one: replace(one, difficult=np.ones(len(one), bool)))
    with pytest.raises(DataError, match="nothing is marked"):
        TASK.sound(hard)
    with pytest.raises(DataError, match="the validation split has no example"):
        TASK.sound(replace(shapes, split=np.where(shapes.split == 1, 0, shapes.split)))
    noted = TASK.sound(with_objects(shapes, lambda one: one.take(one.classes != 1)))
    assert noted.notes[-1] == "marked in no training image, so never detected: square"
    unmarked = tuple(
        one.take(np.zeros(len(one), bool)) if split == 1 else one
        for one, split in zip(shapes.targets.objects, shapes.split.tolist(), strict=True)
    )
    noted = TASK.sound(replace(shapes, targets=replace(shapes.targets, objects=unmarked)))
    count = int((shapes.split == 1).sum())
    assert noted.notes[-1].startswith(f"nothing is marked in its {count} validation images")


def test_a_column_for_each_class(shapes: Dataset[Boxes]) -> None:
    assert TASK.columns_for(shapes) == (("disc", "ap50 disc"), ("square", "ap50 square"))


def test_boxes_are_drawn_from_a_half_on() -> None:
    pixels = np.zeros((60, 60, 3), np.uint8)
    sure, unsure = Found((10, 20, 50, 55), "b", 0.5), Found((0, 0, 9, 9), "a", 0.49)
    drawn = np.asarray(TASK.draw(pixels, Findings("x", (sure, unsure)), ("a", "b")))
    assert drawn[55, 30].any()
    assert not drawn[:18].any()
    assert not pixels.any()


def test_methods_and_the_predictors_that_files_may_hold() -> None:
    assert set(TASK.compared) <= set(TASK.methods)
    assert TASK.default in TASK.methods
    assert list(TASK.predictors) == ["dpm", "rcnn", "yolo", "faster_rcnn"]
    approaches = {name: method.approach for name, method in TASK.methods.items()}
    assert approaches["dpm"] == "handcrafted"
    assert approaches["rcnn"] == "transfer"
    assert approaches["yolo"] == approaches["faster_rcnn"] == "finetune"
    assert not TASK.methods["dpm"].networks
    for name in ("rcnn", "yolo", "faster_rcnn", "yolo_7x7", "faster_rcnn_single"):
        networks = TASK.methods[name].networks
        assert networks[0] == "efficientnet_lite0"
        for network in ("resnet18", "resnet50", "vgg16", "vgg19_bn", "googlenet_bn"):
            assert network in networks


def test_what_a_method_lacks_is_refused_by_name() -> None:
    fresh = Ask(weights=None)
    TASK.methods["faster_rcnn"].ready("faster_rcnn", replace(fresh, network="resnet34"))
    with pytest.raises(UnknownName, match="network for faster_rcnn is called 'resnet19'"):
        TASK.methods["faster_rcnn"].ready("faster_rcnn", replace(fresh, network="resnet19"))
    with pytest.raises(UnknownName, match="network for yolo is called 'alexnet'"):
        TASK.methods["yolo"].ready("yolo", replace(fresh, network="alexnet"))
    for ask, option in (
        (Ask(network="vgg16"), "--network"), (Ask(epochs=3), "--epochs"), (fresh, "--weights"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=option):
            TASK.methods["dpm"].ready("dpm", ask)


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.tasks.contract.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"R-CNN needs an optional part: .*\[detection\]"):
        TASK.methods["rcnn"].ready("rcnn", Ask(weights=None))


def test_a_detector_is_loaded_and_answers_without_the_learning_side(tiny, tmp_path) -> None:
    from striate.models.yolo import yolo
    from striate.tasks.detection.scaling import Scaling
    from striate.tasks.detection.yolo.predictor import YOLOPredictor

    architecture = {
        "backbone": "resnet18", "grid": 1, "boxes": 1, "side": 64, "connected": False, "width": 4,
    }  # fmt: skip
    options = {name: value for name, value in architecture.items() if name != "backbone"}
    scaling = Scaling(64, tiny("yolo").scaling.normalization, stretched=True)
    model = yolo("resnet18", classes=1, **options)
    path = tmp_path / "a.safetensors"
    Recognizer(TASK, YOLOPredictor(model, architecture, scaling, 1), ("a",)).save(path)
    program = (
        "import sys, numpy, striate.recognizer\n"
        f"one = striate.recognizer.load({str(path)!r}, device='cpu')\n"
        "list(one([numpy.zeros((9, 9, 3), 'uint8')]))\n"
        "learning = ('striate.training', 'torch._dynamo')\n"
        "print([name for name in sys.modules if name.startswith(learning)])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
