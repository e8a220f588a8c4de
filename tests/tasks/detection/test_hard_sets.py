"""Sets that no method may stumble over: little, much too little, and oddly shaped."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate.data.boxes import BoxedDataset, Objects
from striate.errors import DataError
from striate.tasks.detection import (
    METHODS,
    Ask,
    Detector,
    Learned,
    faster_rcnn,
    learn,
    rcnn,
    yolo,
)
from striate.tasks.detection.rcnn_features import Looking

QUICK: dict[str, Callable[[BoxedDataset, Ask], Learned]] = {
    "dpm": METHODS["dpm"].learn,
    "rcnn": lambda data, ask: rcnn.learn(
        data, replace(ask, weights=None), looking=Looking(side=32, regions=60)
    ),
    "yolo": lambda data, ask: yolo.learn(
        data, replace(ask, weights=None), recipe=yolo.RECIPE.but(epochs=1), side=64, width=16
    ),
    "faster_rcnn": lambda data, ask: faster_rcnn.learn(
        data, replace(ask, weights=None), recipe=faster_rcnn.RECIPE.but(epochs=1), side=64
    ),
}
ODD = [(20, 20), (1, 1000), (1000, 1), (400, 30)]  # height, width


@pytest.fixture(params=sorted(QUICK))
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A method, quick and from fresh weights."""
    name = str(request.param)
    monkeypatch.setitem(METHODS, name, replace(METHODS[name], learn=QUICK[name], backbones=()))
    return name


def without(data: BoxedDataset, number: int) -> tuple[Objects, ...]:
    """What is marked, but in training images nothing of this class."""
    return tuple(
        one.take(one.classes != number) if split == 0 else one
        for one, split in zip(data.objects, data.split.tolist(), strict=True)
    )


def test_a_class_without_a_training_example_is_never_found_and_told(
    shapes: BoxedDataset, method: str, tmp_path: Path
) -> None:
    data = replace(shapes, objects=without(shapes, 1))
    assert data.counts()[1, 0] == 0 < data.counts()[1, 1:].sum()
    outcome = learn(data, method, Ask(seed=1))
    assert any("square" in note for note in outcome.learned.notes)
    path = tmp_path / "detector.safetensors"
    outcome.detector.save(path)
    detector = Detector.load(path)
    assert detector.finder.kind == method
    for height, width in ODD:
        pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
        for found in detector.find(pixels):
            x0, y0, x1, y1 = found.box
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert 0 <= found.score <= 1
    again = detector.find(shapes.images[1])
    assert again == outcome.detector.find(shapes.images[1])


def test_nothing_to_learn_from_is_said_in_a_line(shapes: BoxedDataset, method: str) -> None:
    nothing = tuple(one.take(np.zeros(len(one), bool)) for one in shapes.objects)
    with pytest.raises(DataError, match="nothing is marked"):
        learn(replace(shapes, objects=nothing), method)


def test_one_marked_training_image_is_enough_to_run(shapes: BoxedDataset, method: str) -> None:
    full = next(row for row, one in enumerate(shapes.objects) if len(one) == 2)
    split = np.where(shapes.split == 0, -1, shapes.split).astype(np.int8)
    split[full] = 0
    outcome = learn(replace(shapes, split=split), method)
    assert outcome.measured is not None
    assert 0 <= outcome.measured.map50 <= 1
