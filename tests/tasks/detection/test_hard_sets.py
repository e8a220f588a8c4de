"""Sets that no method may stumble over: little, much too little, and oddly shaped."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate.data import Dataset
from striate.data.boxes import Boxes, Objects
from striate.errors import DataError, Diverged
from striate.handcrafted.selective_search import Strategies
from striate.recognizer import Recognizer, load
from striate.tasks.contract import Ask, Learned, asked
from striate.tasks.detection.dpm import method as dpm
from striate.tasks.detection.faster_rcnn import method as faster_rcnn
from striate.tasks.detection.rcnn import method as rcnn
from striate.tasks.detection.rcnn import tuning
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.task import Detection
from striate.tasks.detection.yolo import method as yolo

TASK = Detection()
Learn = Callable[[Dataset[Boxes], Ask], Learned]
QUICK: dict[str, Learn] = {
    "dpm": dpm.learn,
    "rcnn": lambda data, ask: rcnn.learn(
        data,
        ask,
        settings=RegionSettings(
            side=32, regions=60, learned=20, strategies=Strategies(scales=(50,), side=160)
        ),
        tuning=rcnn.RECIPE.but(epochs=1, batch_size=8),
    ),
    "yolo": lambda data, ask: yolo.learn(
        data, ask, recipe=yolo.RECIPE.but(epochs=1), side=64, width=16
    ),
    "faster_rcnn": lambda data, ask: faster_rcnn.learn(
        data, ask, recipe=faster_rcnn.RECIPE.but(epochs=1), side=64
    ),
}
ODD = [(20, 20), (1, 1000), (1000, 1), (400, 30)]  # height, width
FRESH = Ask(weights=None, seed=1)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SHOWN", 4)


@pytest.fixture(params=sorted(QUICK))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def without(data: Dataset[Boxes], number: int) -> tuple[Objects, ...]:
    """What is marked, but in training images nothing of this class."""
    return tuple(
        one.take(one.classes != number) if split == 0 else one
        for one, split in zip(data.targets.objects, data.split.tolist(), strict=True)
    )


def test_a_class_without_a_training_example_and_odd_pictures(
    shapes: Dataset[Boxes], kind: str, tmp_path: Path
) -> None:
    data = replace(shapes, targets=replace(shapes.targets, objects=without(shapes, 1)))
    assert data.counts()[1, 0] == 0 < data.counts()[1, 1:].sum()
    learned = QUICK[kind](TASK.sound(data), FRESH)
    recognizer = Recognizer(TASK, learned.predictor, data.classes)
    path = tmp_path / "detector.safetensors"
    recognizer.save(path)
    again = load(path, device="cpu")
    assert again.predictor.kind == kind
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ODD]
    for (height, width), findings in zip(ODD, again(pictures), strict=True):
        assert findings.error is None
        for found in findings.objects:
            x0, y0, x1, y1 = found.box
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert 0 <= found.score <= 1
    picture = shapes.inputs[1]
    assert again([picture]) == recognizer([picture])


def test_one_marked_training_image_is_enough_to_run(shapes: Dataset[Boxes], kind: str) -> None:
    full = next(row for row, one in enumerate(shapes.targets.objects) if len(one) == 2)
    split = np.where(shapes.split == 0, -1, shapes.split).astype(np.int8)
    split[full] = 0
    data = replace(shapes, split=split)
    learned = QUICK[kind](data, FRESH)
    answered = asked(learned.predictor, data, np.flatnonzero(split == 2).tolist())
    assert 0 <= TASK.scores(answered, data, data.classes).value <= 1


@pytest.mark.parametrize("kind", ["yolo", "faster_rcnn"])
def test_a_network_that_diverges_ends_so(shapes: Dataset[Boxes], kind: str) -> None:
    change = {"learning_rate": 1e2, "optimizer": "sgd", "clip": None, "warmup": 0.0}
    wild = yolo.RECIPE.but(epochs=3, batch_size=4, **change)
    with pytest.raises(Diverged):
        QUICK[kind](shapes, replace(FRESH, recipe=wild))


def test_nothing_to_learn_from_is_said_in_a_line(shapes: Dataset[Boxes]) -> None:
    nothing = tuple(one.take(np.zeros(len(one), bool)) for one in shapes.targets.objects)
    data = replace(shapes, targets=replace(shapes.targets, objects=nothing))
    for learn in (dpm.learn, rcnn.learn):
        with pytest.raises(DataError, match="nothing is marked"):
            learn(data, FRESH)
