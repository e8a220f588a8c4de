"""Learning to detect: batches that can be drawn again and divided, what is not learned from."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.data.splits import VALIDATION
from striate.errors import DataError, Diverged
from striate.models import Normalization
from striate.models.matching import Detections
from striate.tasks.contract import Ask
from striate.tasks.detection.faster_rcnn.method import RECIPE, learn
from striate.tasks.detection.problem import DetectionProblem
from striate.tasks.detection.scaling import Scaling
from striate.training import fit
from striate.training.accumulation import Divisible

QUICK = RECIPE.but(epochs=1, batch_size=4)
PROBLEM = DetectionProblem(Scaling(64, Normalization((0.0,) * 3, (1.0,) * 3)))


def test_batches_are_a_function_of_seed_and_step(shapes: Dataset[Boxes]) -> None:
    data = PROBLEM.prepare(shapes)
    first = list(islice(PROBLEM.batches(data, QUICK, seed=1, start=0), 3))
    (third,) = islice(PROBLEM.batches(data, QUICK, seed=1, start=2), 1)
    assert torch.equal(third.images, first[2].images)
    for one, two in zip(third.targets, first[2].targets, strict=True):
        assert torch.equal(one.boxes, two.boxes)
    assert not torch.equal(first[0].images, first[1].images)
    for target in third.targets:
        assert len(target.boxes) == len(target.classes)
        assert target.size == (48, 64)  # the picture's, in a batch of 64 x 64


def test_difficult_objects_are_not_learned(shapes: Dataset[Boxes]) -> None:
    objects = tuple(
        replace(each, difficult=np.ones(len(each), bool)) for each in shapes.targets.objects
    )
    data = PROBLEM.prepare(replace(shapes, targets=replace(shapes.targets, objects=objects)))
    batch = next(PROBLEM.batches(data, QUICK.but(batch_size=8), seed=0, start=0))
    assert all(not len(target.boxes) for target in batch.targets)
    assert any(len(target.ignored) for target in batch.targets)


def test_a_batch_in_parts(shapes: Dataset[Boxes]) -> None:
    data = PROBLEM.prepare(shapes)
    batch = next(PROBLEM.batches(data, QUICK.but(batch_size=5), seed=0, start=0))
    assert isinstance(batch, Divisible)
    parts = batch.parts(2)
    assert [len(part) for part in parts] == [3, 2]
    assert torch.equal(torch.cat([part.images for part in parts]), batch.images)
    assert [id(each) for part in parts for each in part.targets] == [*map(id, batch.targets)]


class Counting(nn.Module):
    """Notes how many images it is given; `room` is how many it can hold."""

    def __init__(self, room: int):
        super().__init__()
        self.backbone, self.room = nn.Linear(1, 1), room
        self.given: list[int] = []

    def losses(self, images, targets):
        assert len(images) == len(targets)
        if len(images) > self.room:
            raise MemoryError("no room")
        self.given.append(len(images))
        return {"loss": self.backbone(images.mean().view(1, 1)).sum() ** 2}

    def forward(self, images):
        raise AssertionError("it is not evaluated")


@pytest.mark.parametrize(("parts", "room"), [(2, 4), (1, 2)])
def test_a_batch_is_learned_in_parts_where_that_is_asked_or_memory_runs_out(
    shapes: Dataset[Boxes], monkeypatch: pytest.MonkeyPatch, parts: int, room: int
) -> None:
    monkeypatch.setattr(DetectionProblem, "evaluate", lambda *_: {"map50": 0.0})
    model = Counting(room)
    fit(model, PROBLEM, shapes, QUICK.but(parts=parts))
    assert set(model.given) == {2}
    assert len(model.given) == 4  # two steps of four images


def test_a_class_without_objects_in_validation_is_left_out(shapes: Dataset[Boxes]) -> None:
    names = (*shapes.classes, "star")
    data = PROBLEM.prepare(replace(shapes, targets=replace(shapes.targets, names=names)))

    class Blind(nn.Module):
        def forward(self, images):
            none = torch.zeros(0)
            return [Detections(torch.zeros(0, 4), none.long(), none) for _ in images]

    metrics = PROBLEM.evaluate(Blind(), data)
    assert metrics == {"map50": 0.0, "ap50 disc": 0.0, "ap50 square": 0.0}


def test_a_class_without_objects_in_validation_is_not_written_as_nan(
    shapes: Dataset[Boxes],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    objects = tuple(
        each.take(each.classes == 0) if split == VALIDATION else each
        for each, split in zip(shapes.targets.objects, shapes.split.tolist(), strict=True)
    )
    data = replace(shapes, targets=replace(shapes.targets, objects=objects))
    assert data.counts()[1, VALIDATION] == 0
    ask = Ask(weights=None, recipe=QUICK, folder=tmp_path)
    learned = learn(data, ask, side=64, width=8, hidden=8)
    assert set(learned.validation) == {"map50", "ap50 disc"}
    for line in (tmp_path / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert "ap50 disc" in row
        assert "ap50 square" not in row
    assert not caplog.records
    assert capfd.readouterr().err == ""


class Exploding(nn.Module):
    """Weights that grow a thousandfold a step, and losses that stay finite."""

    def __init__(self, losses: float):
        super().__init__()
        self.backbone, self.value = nn.Linear(1, 1), losses

    def losses(self, images, targets):
        return {"sides": self.backbone(images.mean().view(1, 1)).sum() * self.value}

    def forward(self, images):
        none = torch.zeros(0)
        return [Detections(torch.zeros(0, 4), none.long(), none) for _ in images]


@pytest.mark.parametrize(
    ("value", "reason"),
    [(torch.nan, "step 1: sides nan"), (torch.inf, "step 1: sides"),
     (1e38, "epoch 1: backbone.weight is not finite")],
)  # fmt: skip
def test_learning_that_diverges_ends(shapes: Dataset[Boxes], value: float, reason: str) -> None:
    recipe = QUICK.but(optimizer="sgd", learning_rate=1e3, batch_size=8, clip=None, warmup=0.0)
    with pytest.raises(Diverged, match=reason):
        fit(Exploding(value), PROBLEM, shapes, recipe)


def test_unreadable_pictures_are_set_aside(shapes: Dataset[Boxes]) -> None:
    broken = next(int(row) for row in np.flatnonzero(shapes.split == 0))
    shapes.inputs.path(broken).write_text("not a picture")  # type: ignore[union-attr]
    data = PROBLEM.prepare(shapes)
    assert data.pictures[broken] is None
    assert broken not in data.rows(0)
    assert data.dataset.left_out[-1].name == shapes.inputs.name(broken)
    for row in np.flatnonzero(shapes.split == 0).tolist():
        shapes.inputs.path(row).write_text("not a picture")  # type: ignore[union-attr]
    with pytest.raises(DataError, match="no picture to learn from"):
        PROBLEM.prepare(shapes)
