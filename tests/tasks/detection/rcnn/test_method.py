"""R-CNN learned from a folder, stopped and gone on with."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.errors import DataError
from striate.handcrafted.selective_search import Strategies
from striate.models.backbone import Stage
from striate.tasks.contract import Ask, Plan, asked
from striate.tasks.detection.methods import METHODS
from striate.tasks.detection.rcnn import features, method
from striate.tasks.detection.rcnn.crops import BACKGROUND, NEAR, OBJECTS
from striate.tasks.detection.rcnn.extraction import extract
from striate.tasks.detection.rcnn.features import RegionFeatures
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.rcnn.tuning import RECIPE, Tuning
from striate.tasks.detection.rcnn.warping import CONTEXT, warped_crops
from striate.tasks.detection.scores import scored
from striate.tasks.detection.task import Detection
from striate.training import Recipe

SMALL = RegionSettings(side=32, regions=60, strategies=Strategies(side=90, scales=(20,)))


@pytest.fixture
def few(shapes: Dataset[Boxes]) -> Dataset[Boxes]:
    """Three training and two validation images, one of each without anything."""
    rows = [np.flatnonzero(shapes.split == split)[:n] for split, n in ((0, 3), (1, 2))]
    return shapes.take(np.concatenate(rows).tolist())


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few features, so that it is quick."""
    monkeypatch.setattr(features, "read_stages", lambda name: [(Stage("stage2", 4, 24, False), 2)])


def pixels_themselves(extractor: RegionFeatures, pixels: np.ndarray, boxes: Tensor) -> Tensor:
    """(K, 192): each crop, 8 x 8."""
    crops = warped_crops(pixels, boxes.tolist(), SMALL, (127.0,) * 3)
    parts = [torch.from_numpy(crop) for crop in crops]
    return F.avg_pool2d(torch.cat(parts).permute(0, 3, 1, 2).float(), 4).flatten(1)


def test_it_learns_from_a_folder(shapes: Dataset[Boxes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RegionFeatures, "features", pixels_themselves)
    learned = method.learn(shapes, Ask(weights=None), settings=SMALL, tuning=None)
    answered = asked(learned.predictor, shapes, np.flatnonzero(shapes.split == 2).tolist())
    assert scored(answered, shapes, shapes.classes).value > 0.8
    assert {"map50", "ap50 disc", "ap50 square"} == set(learned.validation)
    assert list(learned.seconds) == ["search", "features", "solve", "validate"]
    assert learned.network == "efficientnet_lite0"
    assert learned.recipe["tuning"] is None
    assert json.loads(json.dumps(learned.recipe))["settings"]["side"] == 32
    notes = "\n".join(learned.notes)
    assert "its network was not fine-tuned" in notes
    assert "selective search took" in notes
    assert "at an overlap of 0.5 and 0.7: " in notes


@pytest.mark.usefixtures("narrow")
def test_a_stopped_run_goes_on_and_a_finished_one_is_read(
    few: Dataset[Boxes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, folder = [], tmp_path / "run"

    def stopped(*args: object, **settings: object) -> object:
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return extract(*args, **settings)  # type: ignore[arg-type]

    ask = Ask(weights=None, folder=folder, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(method, "extract", stopped)
        with pytest.raises(KeyboardInterrupt):
            method.learn(few, ask, settings=SMALL)
    assert len(list((folder / "regions").iterdir())) == 5
    assert (folder / "tuning" / "best.safetensors").is_file()
    assert len(list((folder / "features").iterdir())) == 3
    ask = replace(ask, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(RegionFeatures, "regions", None)  # nothing is searched any more, nor learned
        patch.setattr(Tuning, "losses", None)
        second = method.learn(few, ask, settings=SMALL)
    assert [path.name for path in folder.iterdir()] == ["learned.safetensors"]
    assert len(second.history) == 1
    with monkeypatch.context() as patch:
        patch.setattr(method, "extract", None)  # no feature is computed any more
        third = method.learn(few, ask, settings=SMALL)
        with pytest.raises(TypeError):  # with other settings it is
            method.learn(few, ask, settings=replace(SMALL, side=40))
    assert third.validation == second.validation
    assert third.history == second.history
    assert third.notes == second.notes
    assert third.network == second.network == "efficientnet_lite0"
    for name, value in second.predictor.tensors().items():
        torch.testing.assert_close(third.predictor.tensors()[name], value)


@pytest.mark.usefixtures("narrow")
def test_the_recipe_and_the_time_are_those_that_are_asked_for(few: Dataset[Boxes]) -> None:
    recipe = RECIPE.but(epochs=7, batch_size=3, learning_rate=1e-5)
    learned = method.learn(few, Ask(weights=None, recipe=recipe, seconds=0), settings=SMALL)
    assert learned.recipe["tuning"]["learning_rate"] == 1e-5
    assert learned.recipe["tuning"]["batch_size"] == 3
    assert len(learned.history) == 1
    assert learned.history[0]["step"] == 1  # it stopped after the first step


def test_difficult_objects_and_crowds_alone_are_nothing_to_learn(shapes: Dataset[Boxes]) -> None:
    hard = tuple(replace(one, difficult=np.ones(len(one), bool)) for one in shapes.targets.objects)
    data = replace(shapes, targets=replace(shapes.targets, objects=hard))
    with pytest.raises(DataError, match="nothing is marked"):
        method.learn(data, Ask(weights=None), settings=SMALL)


def test_the_numbers_of_2014(few: Dataset[Boxes], monkeypatch: pytest.MonkeyPatch) -> None:
    tuned: list[tuple[RegionFeatures, Recipe]] = []

    def not_tuned(extractor, data, training, validation, recipe, ask, **_):
        tuned.append((extractor, recipe))
        return extractor, SimpleNamespace(history=())

    def quarters(extractor: RegionFeatures, pixels: np.ndarray) -> Tensor:
        height, width = pixels.shape[:2]
        corners = [(x, y) for x in (0, width / 2) for y in (0, height / 2)]
        return torch.tensor([[x, y, x + width / 2, y + height / 2] for x, y in corners])

    monkeypatch.setattr(method, "tune", not_tuned)
    monkeypatch.setattr(RegionFeatures, "regions", quarters)
    monkeypatch.setattr(RegionFeatures, "features", pixels_themselves)
    one = METHODS["rcnn_2014"]
    ask = Ask(weights=None)
    learned = one.learn(Detection().prepare(few, [Plan("rcnn_2014", one, ask)]), ask)
    ((extractor, recipe),) = tuned
    settings, solving = learned.recipe["settings"], learned.recipe["solving"]
    # Sections 2.1 and 2.2: 2,000 regions of the fast mode, warped to 227 with 16 pixels around
    assert (extractor.settings.side, settings["regions"], settings["learned"]) == (227, 2000, 2000)
    assert settings["strategies"]["side"] == 500
    assert round(CONTEXT * extractor.settings.side) == 16
    # Section 2.3: 0.5 for tuning with 32 objects and 96 of the background at 0.001, 0.3 for the
    # machines, one pass for hard negatives; Appendix C: 0.6, and 1000 for features 20 long
    assert NEAR == 0.5
    assert (recipe.batch_size * OBJECTS, recipe.batch_size * BACKGROUND) == (32, 96)
    assert (recipe.optimizer, recipe.learning_rate, recipe.schedule) == ("sgd", 0.001, "constant")
    assert (solving["negative"], solving["rounds"], solving["pair"]) == (0.3, 2, 0.6)
    assert solving["ridge"] * 20**2 == 1000
    assert learned.predictor.header()["settings"]["side"] == 227
    assert learned.predictor.header()["nms_overlap"] == 0.3
