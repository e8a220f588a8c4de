"""Tuning R-CNN's network: batches that can be drawn again, and what is learned from them."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from striate.data.boxes import BoxedDataset
from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection.rcnn_crops import GROUND, THINGS, Places, labeled
from striate.tasks.detection.rcnn_features import READ, Looking, Reader
from striate.tasks.detection.rcnn_looking import Searched, search
from striate.tasks.detection.rcnn_tuning import RECIPE, Crops, Tuned, Tuning, tune

SMALL = Looking(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


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
    count = len(crops.training)
    assert task.examples(crops) % count == 0


def test_a_pass_shows_every_picture_once(
    quick: Reader,
    shapes: BoxedDataset,
    places: tuple[Searched, Searched],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crops, shown, real = Crops(shapes, labeled(shapes, places[0], 2), ()), [], Tuning._crops

    def remembered(task: Tuning, data: Crops, one: Places, *rest: Any) -> Any:
        shown.append(one.row)
        return real(task, data, one, *rest)

    monkeypatch.setattr(Tuning, "_crops", remembered)
    batches = Tuning(quick).batches(crops, RECIPE.but(batch_size=1), seed=1, start=0)
    list(islice(batches, 2 * len(crops.training)))
    count = len(crops.training)
    assert sorted(shown[:count]) == sorted(shown[count:]) == places[0].rows
    assert shown[:count] != shown[count:]  # each pass in its own order


def test_a_trained_network_keeps_its_statistics(
    quick: Reader, shapes: BoxedDataset, places: tuple[Searched, Searched]
) -> None:
    before = {name: value.clone() for name, value in quick.eye.state_dict().items()}
    reader, _ = tune(quick, shapes, *places, RECIPE.but(epochs=1, batch_size=4))
    statistics = [name for name, _ in reader.eye.named_buffers()]
    assert statistics
    after = reader.eye.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in statistics)
    for name, weights in reader.eye.named_parameters():
        assert not torch.equal(weights, before[name]), name


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
    for name, weights in reader.eye.named_parameters():
        assert not torch.equal(weights, before[name]), name
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
