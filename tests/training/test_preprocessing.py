"""From pixels to what a network takes, by pencil."""

import json

import numpy as np
import pytest
import torch

from striate.images import View
from striate.training import Preprocessing

RGB = Preprocessing(View(2), mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0))


def test_each_channel_by_pencil() -> None:
    pixels = np.array([[[[12, 24, 38]]]], dtype=np.uint8)  # (1, 1, 1, 3)
    assert RGB.tensor(pixels).flatten().tolist() == [2, 2, 2]
    assert RGB(torch.tensor([10.0, 22.0, 26.0]).view(1, 3, 1, 1)).flatten().tolist() == [0, 1, -1]


def test_bgr_turns_the_normalized_channels_around() -> None:
    blue_first = Preprocessing(RGB.view, RGB.mean, RGB.std, bgr=True)
    images = torch.randint(0, 256, (2, 3, 2, 2), dtype=torch.uint8)
    assert torch.equal(blue_first(images), RGB(images).flip(1))


def test_measured_pixels_have_mean_0_and_deviation_1() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), dtype=np.uint8)
    normalized = Preprocessing.measured(View(4), pixels).tensor(pixels)
    assert normalized.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert normalized.std((0, 2, 3), correction=0).tolist() == pytest.approx([1] * 3, abs=1e-5)


def test_pixels_that_are_all_alike_are_not_divided_by_zero() -> None:
    black = np.zeros((3, 4, 4, 1), dtype=np.uint8)
    measured = Preprocessing.measured(View(4, channels=1), black)
    assert measured.std == (1.0,)
    assert torch.equal(measured.tensor(black), torch.zeros(3, 1, 4, 4))


def test_it_comes_back_equal_from_json() -> None:
    assert Preprocessing.from_json(json.loads(json.dumps(RGB.to_json()))) == RGB


@pytest.mark.parametrize("change", [{"std": [1, 2]}, {"std": [1, 0, 1]}, {"mean": [1]}])
def test_numbers_that_do_not_fit_are_refused(change: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="do not fit 3 channels"):
        Preprocessing.from_json(RGB.to_json() | change)
