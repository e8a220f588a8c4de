"""Occlusion maps of answers whose reasons are known."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.data import Array, Dataset, Labels
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.models.weldon import weldon
from striate.tasks.classification.network import Network
from striate.tasks.classification.reasons import reasons
from striate.tasks.labels.scores import Classified
from striate.tasks.pictures.hiding import lost_by_hiding
from striate.visualize import heat


class Corner(nn.Module):
    """Class 1 as far as the upper left sixteenth is bright."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        side = images.shape[-1] // 4
        bright = images[:, 0, :side, :side].mean((1, 2))
        return torch.stack([torch.zeros_like(bright), 8 * (bright - 0.5)], 1)


def predictor(model: nn.Module, side: int) -> Network:
    view = Preprocessing(View(side, channels=1, fit="squash"), Normalization((0.0,), (255.0,)))
    return Network.own(model, view, 2)


def test_the_part_that_decides_is_found() -> None:
    pixels = np.zeros((40, 40, 1), np.uint8)
    pixels[:10, :10] = 255
    lost = lost_by_hiding(predictor(Corner(), 40), pixels, 1, 8, 2)
    assert lost.shape == (17, 17)  # an 8 px square every 2 px
    # all of the corner but a fifth hidden: 1/(1 + e^-4) falls to that of a mean brightness of
    # 0.36 + 0.64 * 16 / 255
    bright = 0.36 + 0.64 * 16 / 255
    expected = 1 / (1 + np.exp(-4)) - 1 / (1 + np.exp(-8 * (bright - 0.5)))
    assert lost.max() == pytest.approx(expected, abs=1e-3)
    assert np.unravel_index(lost.argmax(), lost.shape) in [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert np.abs(lost[5:, 5:]).max() < 1e-6  # squares that do not reach the corner


def test_a_network_s_map_is_that_of_the_pictures_with_parts_hidden() -> None:
    torch.manual_seed(0)
    model = create("lenet5", classes=2)
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    mine = predictor(model, 28)
    lost = lost_by_hiding(mine, pixels, 0, 5, 1)
    hidden = pixels.copy()
    hidden[:5, :5] = 0  # the network's zero
    with torch.no_grad():
        before, after = model(mine.preprocessing.tensor(np.stack([pixels, hidden]))).softmax(1)[
            :, 0
        ]
    assert lost[0, 0] == pytest.approx(float(before - after), abs=1e-5)


def test_right_answers_come_first_and_one_of_each_class() -> None:
    pictures = np.zeros((6, 40, 40), np.uint8)
    pictures[::2, :10, :10] = 255
    mine = predictor(Corner(), 40)
    probabilities, _ = mine.answers(pictures[..., None])
    targets = np.array([1, 0, 1, 0, 0, 1])
    dataset = Dataset(
        "corners", Array(pictures), Labels(("dark", "bright"), targets), np.full(6, 2, np.int8)
    )
    scores = Classified(probabilities, targets, ("dark", "bright"), 0.0)
    found = reasons(mine, dataset, tuple(range(6)), scores)
    assert [one.right for one in found] == [True, True, False, False]
    assert sorted(one.given for one in found[:2]) == [0, 1]
    assert {one.place for one in found[2:]} == {4, 5}
    assert {one.picture.shape for one in found} == {(40, 40, 3)}


def test_a_network_that_scores_regions_shows_their_scores() -> None:
    model = weldon(2, backbone="lenet5", channels=1).eval()
    nn.init.normal_(model.get_submodule("regions.scores").weight)  # type: ignore[arg-type]
    pictures = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    mine, targets = predictor(model, 28), np.array([0, 1, 0, 1])
    dataset = Dataset("noise", Array(pictures), Labels(("a", "b"), targets), np.full(4, 2, np.int8))
    scores = Classified(mine.answers(pictures[..., None])[0], targets, ("a", "b"), 0.0)
    first = reasons(mine, dataset, tuple(range(4)), scores)[0]
    images = mine.preprocessing.tensor(pictures[first.place][None, ..., None])
    with torch.no_grad():
        maps = model.class_maps(images)[0, first.given].numpy()
    gray = np.repeat(pictures[first.place][..., None], 3, 2)
    assert np.array_equal(first.picture, heat(gray, maps, signed=True))
