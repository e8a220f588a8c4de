"""Tuning R-CNN's network: what crops are called, which are drawn, what is learned from them."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data.boxes import BoxedDataset, Objects
from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection.rcnn_features import READ, Looking, Reader
from striate.tasks.detection.rcnn_looking import Searched, search
from striate.tasks.detection.rcnn_tuning import (
    GROUND,
    RECIPE,
    THINGS,
    UNASKED,
    Crops,
    Tuned,
    Tuning,
    labeled,
    labels,
    sampled,
    tune,
)

SMALL = Looking(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


def marked(boxes: list[list[float]], classes: list[int], **flags: list[bool]) -> Objects:
    none = np.zeros(len(boxes), bool)
    told = {name: np.array(flags.get(name, none), bool) for name in ("difficult", "crowd")}
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Objects(table, np.array(classes, np.int64), **told)


def test_a_region_is_what_it_meets_by_half() -> None:
    # Beside (0, 0, 10, 10): itself 1; 5 of 10 columns, 0.5; 4 of 10, 0.4; and one far away.
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 5, 10], [0, 0, 4, 10], [50, 50, 60, 60]])
    thing = [0.0, 0, 10, 10]
    assert labels(boxes, marked([thing], [1]), 3).tolist() == [1, 1, 3, 3]
    # Of two things the one that is met best: (0, 0, 5, 10) is half of the first, all of the second.
    both = marked([thing, [0, 0, 5, 10]], [1, 2])
    assert labels(boxes, both, 3).tolist() == [1, 2, 2, 3]  # 4 of 5 columns: 0.8
    assert labels(boxes, marked([], []), 3).tolist() == [3, 3, 3, 3]
    hard = marked([thing], [1], difficult=[True])
    assert labels(boxes, hard, 3).tolist() == [UNASKED, UNASKED, 3, 3]
    # All that lies in a crowd is neither, though it meets the crowd by less than half.
    crowd = marked([thing], [1], crowd=[True])
    assert labels(boxes, crowd, 3).tolist() == [UNASKED, UNASKED, UNASKED, 3]


def test_things_are_drawn_by_class_and_ground_beside_them() -> None:
    told = np.array([0] * 97 + [1] + [2] * 50 + [UNASKED] * 50)
    random = np.random.default_rng(0)
    counts = np.zeros(3)
    for _ in range(200):
        rows = sampled(told, 2, random)
        assert len(rows) == THINGS + GROUND
        counts += np.bincount(told[rows], minlength=3)  # no -1 among them
    assert counts[2] == 200 * GROUND
    # Half of the things are of each class, though one has 97 times as many: 200 +- 3 * sqrt(100).
    assert 170 < counts[1] < 230
    assert set(told[sampled(told[:98], 2, random)]) <= {0, 1}
    assert len(sampled(told[:98], 2, random)) == THINGS + GROUND
    assert (told[98 + sampled(told[98:], 2, random, 3)] == 2).all()
    assert len(sampled(told[98:], 2, random, 3)) == 3 * (THINGS + GROUND)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A reader of few features, with fresh weights."""
    monkeypatch.setitem(READ, "efficientnet_lite0", (("stage2", 24, 2),))
    torch.manual_seed(0)
    return Reader.of("efficientnet_lite0", None, SMALL)


@pytest.fixture
def places(quick: Reader, shapes: BoxedDataset) -> tuple[Searched, Searched]:
    return search(quick, shapes, 0), search(quick, shapes, 1)


def test_batches_follow_from_seed_and_step(
    quick: Reader, shapes: BoxedDataset, places: tuple[Searched, Searched]
) -> None:
    task, recipe = Tuning(quick), RECIPE.but(batch_size=2)
    crops = Crops(shapes, *(labeled(shapes, each, 2) for each in places))
    first = list(islice(task.batches(crops, recipe, seed=1, start=0), 3))
    (again,) = islice(task.batches(crops, recipe, seed=1, start=2), 1)
    assert torch.equal(again.crops, first[2].crops)
    assert torch.equal(again.classes, first[2].classes)
    assert not torch.equal(first[0].crops, first[1].crops)
    assert first[0].crops.shape == (2 * (THINGS + GROUND), 3, 32, 32)
    # One pass shows every picture once: with a batch of one picture each, none comes twice.
    single = RECIPE.but(batch_size=1)
    count = len(crops.training)
    seen = list(islice(task.batches(crops, single, seed=1, start=0), count))
    assert len({batch.crops.sum().item() for batch in seen}) == count
    assert task.examples(crops) % count == 0


def test_it_learns_what_crops_show(
    quick: Reader, shapes: BoxedDataset, places: tuple[Searched, Searched], tmp_path: Path
) -> None:
    recipe = RECIPE.but(epochs=24, batch_size=8, learning_rate=3e-3)
    before = {name: value.clone() for name, value in quick.eye.state_dict().items()}
    reader, run = tune(quick, shapes, *places, recipe, fresh=True, folder=tmp_path / "tuning")
    assert run.best["recall"] > 0.8  # of three kinds; 1 / 3 by chance
    for name, value in quick.eye.state_dict().items():
        assert torch.equal(value, before[name])  # the reader that was given has not changed
    after = reader.eye.state_dict()
    assert any(not torch.equal(after[name], before[name]) for name in before)
    assert not reader.eye.training
    # Taken up again, nothing is left to learn, and the best weights are read.
    again, _ = tune(
        quick, shapes, *places, recipe, fresh=True, folder=tmp_path / "tuning", resume=True
    )
    for name, value in again.eye.state_dict().items():
        torch.testing.assert_close(value, after[name])


def test_without_validation_crops_it_is_asked_about_what_it_learned_from(
    quick: Reader, shapes: BoxedDataset, places: tuple[Searched, Searched]
) -> None:
    training = labeled(shapes, places[0], 2)
    model = Tuned(quick.eye, 2)
    model.top.bias.data = torch.tensor([0.0, 0.0, 1.0])  # none of them, always
    found = Tuning(quick).evaluate(model, Crops(shapes, training, ()))
    assert found == {"recall": pytest.approx(1 / 3)}


def test_pictures_with_nothing_to_ask_are_left_out(
    shapes: BoxedDataset, places: tuple[Searched, Searched]
) -> None:
    searched = places[0]
    nothing = replace(searched, boxes=[searched.boxes[0][:0], *searched.boxes[1:]])
    assert [each.row for each in labeled(shapes, nothing, 2)] == searched.rows[1:]
