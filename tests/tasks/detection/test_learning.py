"""From a folder to a detector, saved, loaded and used; runs that go on; files that are damaged."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data.boxes import BoxedDataset
from striate.errors import DataError, UnknownName, WeightsError
from striate.recognizer import load
from striate.tasks.detection import (
    METHODS,
    Ask,
    Detection,
    Detector,
    Learned,
    Scaling,
    faster_rcnn,
    is_detector,
    learn,
    names,
)
from striate.training.checkpoints import load_tensors, save_tensors

QUICK = faster_rcnn.RECIPE.but(epochs=1, batch_size=4)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faster R-CNN on pictures of 64 pixels, for an epoch, from fresh weights."""

    def small(data: BoxedDataset, ask: Ask) -> Learned:
        return faster_rcnn.learn(data, replace(ask, weights=None), recipe=QUICK, side=64)

    method = METHODS["faster_rcnn"]
    monkeypatch.setitem(METHODS, "faster_rcnn", replace(method, learn=small))


@pytest.mark.usefixtures("quick")
def test_learned_saved_and_used(shapes: BoxedDataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    learned = learn(shapes, "faster_rcnn_efficientnet_lite0", Ask(folder=run))
    assert learned.measured is not None
    assert set(learned.measured.average_precisions) == {"disc", "square"}
    assert learned.measured.to_json()["images"] == int((shapes.split == 2).sum())
    assert list(learned.learned.seconds) == ["decode", "learn"]
    assert (run / "checkpoint.safetensors").exists()
    path = tmp_path / "detector.safetensors"
    learned.detector.save(path)
    assert is_detector(path)
    assert not is_detector(tmp_path / "none.safetensors")
    again = Detector.load(path)
    assert again.classes == ("disc", "square")
    assert json.dumps(again.finder.header()) == json.dumps(learned.detector.finder.header())
    picture = shapes.images[1]
    assert again.find(picture) == learned.detector.find(picture)
    (tmp_path / "broken.jpg").write_text("no picture")
    seen = list(again.predict([picture, tmp_path / "broken.jpg"]))
    assert seen[1].error
    assert set(seen[1].to_json()) == {"path", "error"}
    for found in seen[0].to_json()["objects"]:
        assert set(found) == {"box", "label", "score"}
        x0, y0, x1, y1 = found["box"]
        assert 0 <= x0 < x1 <= 120
        assert 0 <= y0 < y1 <= 90
    with pytest.raises(WeightsError, match="finds things"):
        load(path)
    tensors, header = load_tensors(path)
    finder = header["finder"]
    for change in (
        {"format": 7}, {"classes": ["disc"]}, {"kind": "x"}, {"kind": ["x"]}, {"finder": {}},
        {"finder": {**finder, "scaling": {}}}, {"finder": {**finder, "architecture": {}}},
        {"finder": {**finder, "architecture": {**finder["architecture"], "width": 10**9}}},
    ):  # fmt: skip
        save_tensors(path, tensors, {**header, **change})
        with pytest.raises(WeightsError, match="detector"):
            Detector.load(path)


def test_batches_are_a_function_of_seed_and_step(shapes: BoxedDataset) -> None:
    task = Detection(Scaling(64, (0.0,) * 3, (1.0,) * 3))
    data = task.prepare(shapes)
    first = list(islice(task.batches(data, QUICK, seed=1, start=0), 3))
    (third,) = islice(task.batches(data, QUICK, seed=1, start=2), 1)
    assert torch.equal(third.images, first[2].images)
    for one, two in zip(third.targets, first[2].targets, strict=True):
        assert torch.equal(one.boxes, two.boxes)
    assert not torch.equal(first[0].images, first[1].images)
    for target in third.targets:
        assert len(target.boxes) == len(target.classes)


def test_difficult_things_are_not_learned(shapes: BoxedDataset) -> None:
    objects = tuple(replace(each, difficult=np.ones(len(each), bool)) for each in shapes.objects)
    task = Detection(Scaling(64, (0.0,) * 3, (1.0,) * 3))
    data = task.prepare(replace(shapes, objects=objects))
    batch = next(task.batches(data, QUICK.but(batch_size=8), seed=0, start=0))
    assert all(not len(target.boxes) for target in batch.targets)
    assert any(len(target.ignored) for target in batch.targets)
    with pytest.raises(DataError, match="nothing is marked in its"):
        learn(replace(shapes, objects=objects))


def test_unreadable_pictures_are_set_aside(shapes: BoxedDataset) -> None:
    broken = next(int(row) for row in np.flatnonzero(shapes.split == 0))
    shapes.images.path(broken).write_text("no picture")  # type: ignore[union-attr]
    data = Detection(Scaling(64, (0.0,) * 3, (1.0,) * 3)).prepare(shapes)
    assert data.pictures[broken] is None
    assert broken not in data.rows(0)
    assert data.dataset.left_out[-1].name == shapes.images.name(broken)


def test_wrong_names(shapes: BoxedDataset) -> None:
    with pytest.raises(UnknownName, match="resnet18"):
        learn(shapes, "faster_rcnn_resnet19")
    assert "faster_rcnn_resnet18" in names()


@pytest.mark.usefixtures("quick")
def test_what_was_learned_from_is_not_scored_and_that_is_told(shapes: BoxedDataset) -> None:
    learned, tested = (int(np.flatnonzero(shapes.split == part)[0]) for part in (0, 2))
    source, copy = (shapes.images.path(row) for row in (learned, tested))
    assert source is not None
    assert copy is not None
    copy.write_bytes(source.read_bytes())
    outcome = learn(shapes)
    assert outcome.measured is not None
    assert len(outcome.measured.rows) == int((shapes.split == 2).sum()) - 1
    assert tested not in outcome.measured.rows
    assert any("also stand" in note for note in outcome.told)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("left", ["run.json", "regions", "rounds.safetensors"])
def test_a_run_is_not_begun_over_another(shapes: BoxedDataset, tmp_path: Path, left: str) -> None:
    (tmp_path / left).mkdir()
    with pytest.raises(DataError, match="holds a run already; resume it"):
        learn(shapes, ask=Ask(folder=tmp_path))
