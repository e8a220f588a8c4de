"""What networks expect of a pixel, by pencil."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from striate.models import Normalization

RGB = Normalization(mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0))


def test_each_channel_by_pencil() -> None:
    for layout in (torch.contiguous_format, torch.channels_last):
        images = torch.tensor([12, 24, 38], dtype=torch.uint8).view(1, 3, 1, 1).repeat(1, 1, 2, 2)
        found = RGB(images.contiguous(memory_format=layout))
        assert found.dtype == torch.float32
        assert found[0, :, 1, 0].tolist() == [2, 2, 2]
    assert RGB(torch.tensor([10.0, 22.0, 26.0]).view(1, 3, 1, 1)).flatten().tolist() == [0, 1, -1]


def test_bgr_reverses_the_normalized_channels() -> None:
    blue_first = Normalization(RGB.mean, RGB.std, bgr=True)
    images = torch.randint(0, 256, (2, 3, 2, 2), dtype=torch.uint8)
    assert torch.equal(blue_first(images), RGB(images).flip(1))


def test_measured_pixels_have_mean_0_and_deviation_1() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), dtype=np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    normalized = Normalization.measured(pixels)(images)
    assert normalized.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert normalized.std((0, 2, 3), correction=0).tolist() == pytest.approx([1] * 3, abs=1e-5)


def test_pixels_that_are_all_alike_are_not_divided_by_zero() -> None:
    black = np.zeros((3, 4, 4, 1), dtype=np.uint8)
    measured = Normalization.measured(black)
    assert measured.std == (1.0,)
    images = torch.from_numpy(black).permute(0, 3, 1, 2)
    assert torch.equal(measured(images), torch.zeros(3, 1, 4, 4))


def test_it_comes_back_equal_from_json() -> None:
    assert Normalization.from_json(json.loads(json.dumps(RGB.to_json()))) == RGB


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"std": [1, 2]}, "do not fit 3 channels"), ({"mean": [1]}, "do not fit 3 channels"),
        ({"std": [1, 0, 1]}, "normalized by"), ({"std": [1, -2, 1]}, "normalized by"),
        ({"std": [1, NAN, 1]}, "normalized by"), ({"mean": [1, INF, 1]}, "normalized by"),
        ({"bgr": 1}, "bgr is 1"), ({"mean": "abc"}, "could not convert"), ({"mean": 3}, "iterable"),
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        Normalization.from_json(RGB.to_json() | change)
