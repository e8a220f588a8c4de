"""Fine-tuning R-CNN's network: batches that can be drawn again, and what is learned from them."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.handcrafted.selective_search import Strategies
from striate.models.backbone import Stage
from striate.tasks.contract import Ask
from striate.tasks.detection.rcnn import features
from striate.tasks.detection.rcnn.crops import BACKGROUND, OBJECTS, LabeledRegions, labeled
from striate.tasks.detection.rcnn.extraction import Regions, search
from striate.tasks.detection.rcnn.features import RegionFeatures
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.rcnn.tuning import RECIPE, CropClassifier, Crops, Tuning, tune

SMALL = RegionSettings(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> RegionFeatures:
    """Few features, by random weights."""
    monkeypatch.setattr(features, "read_stages", lambda name: [(Stage("stage2", 4, 24, False), 2)])
    torch.manual_seed(0)
    return RegionFeatures.of("efficientnet_lite0", None, SMALL)


@pytest.fixture
def places(quick: RegionFeatures, shapes: Dataset[Boxes]) -> tuple[Regions, Regions]:
    return search(quick, shapes, 0), search(quick, shapes, 1)


def test_batches_follow_from_seed_and_step(
    quick: RegionFeatures, shapes: Dataset[Boxes], places: tuple[Regions, Regions]
) -> None:
    task, recipe = Tuning(quick), RECIPE.but(batch_size=2)
    crops = Crops(shapes, *(labeled(shapes, each, 2) for each in places))
    first = list(islice(task.batches(crops, recipe, seed=1, start=0), 3))
    (again,) = islice(task.batches(crops, recipe, seed=1, start=2), 1)
    assert torch.equal(again.crops, first[2].crops)
    assert torch.equal(again.classes, first[2].classes)
    assert not torch.equal(first[0].crops, first[1].crops)
    assert first[0].crops.shape == (2 * (OBJECTS + BACKGROUND), 3, 32, 32)
    count = len(crops.training)
    assert task.examples(crops) % count == 0


def test_a_batch_in_parts(
    quick: RegionFeatures, shapes: Dataset[Boxes], places: tuple[Regions, Regions]
) -> None:
    crops = Crops(shapes, *(labeled(shapes, each, 2) for each in places))
    (batch,) = islice(Tuning(quick).batches(crops, RECIPE.but(batch_size=2), seed=1, start=0), 1)
    parts = batch.parts(3)
    assert [len(part) for part in parts] == [6, 5, 5]
    assert torch.equal(torch.cat([part.crops for part in parts]), batch.crops)
    assert torch.equal(torch.cat([part.classes for part in parts]), batch.classes)


def test_a_pass_shows_every_picture_once(
    quick: RegionFeatures,
    shapes: Dataset[Boxes],
    places: tuple[Regions, Regions],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crops, shown, real = Crops(shapes, labeled(shapes, places[0], 2), ()), [], Tuning._crops

    def remembered(task: Tuning, data: Crops, one: LabeledRegions, *rest: Any) -> Any:
        shown.append(one.row)
        return real(task, data, one, *rest)

    monkeypatch.setattr(Tuning, "_crops", remembered)
    batches = Tuning(quick).batches(crops, RECIPE.but(batch_size=1), seed=1, start=0)
    list(islice(batches, 2 * len(crops.training)))
    count = len(crops.training)
    assert sorted(shown[:count]) == sorted(shown[count:]) == places[0].rows
    assert shown[:count] != shown[count:]  # each pass in its own order


def test_a_trained_network_keeps_its_statistics(
    quick: RegionFeatures, shapes: Dataset[Boxes], places: tuple[Regions, Regions]
) -> None:
    before = {name: value.clone() for name, value in quick.network.state_dict().items()}
    tuned, _ = tune(quick, shapes, *places, RECIPE.but(epochs=1, batch_size=4), Ask())
    statistics = [name for name, _ in tuned.network.named_buffers()]
    assert statistics
    after = tuned.network.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in statistics)
    for name, weights in tuned.network.named_parameters():
        assert not torch.equal(weights, before[name]), name


def test_it_learns_to_classify_crops(
    quick: RegionFeatures, shapes: Dataset[Boxes], places: tuple[Regions, Regions], tmp_path: Path
) -> None:
    recipe = RECIPE.but(epochs=72, batch_size=8, learning_rate=3e-3)
    before = {name: value.clone() for name, value in quick.network.state_dict().items()}
    tuned, run = tune(quick, shapes, *places, recipe, Ask(weights=None), folder=tmp_path / "tuning")
    assert run.best["recall"] > 0.8  # of three kinds; 1 / 3 by chance
    for name, value in quick.network.state_dict().items():
        assert torch.equal(value, before[name])  # what was given has not changed
    after = tuned.network.state_dict()
    for name, weights in tuned.network.named_parameters():
        assert not torch.equal(weights, before[name]), name
    assert not tuned.network.training
    # Taken up again, nothing is left to learn, and the best weights are read.
    again, _ = tune(
        quick, shapes, *places, recipe, Ask(weights=None, resume=True), folder=tmp_path / "tuning"
    )
    for name, value in again.network.state_dict().items():
        torch.testing.assert_close(value, after[name])


def test_without_validation_crops_it_is_tested_on_training_crops(
    quick: RegionFeatures, shapes: Dataset[Boxes], places: tuple[Regions, Regions]
) -> None:
    training = labeled(shapes, places[0], 2)
    model = CropClassifier(quick.network, 2)
    model.top.bias.data = torch.tensor([0.0, 0.0, 1.0])  # background, always
    found = Tuning(quick).evaluate(model, Crops(shapes, training, ()))
    assert found == {"recall": pytest.approx(1 / 3)}
