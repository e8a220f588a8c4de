"""How pictures come to a detector."""

import numpy as np
import pytest
import torch

from striate.tasks.detection.pictures import Scaling

SCALING_NUMBERS = (10.0, 20.0, 30.0), (2.0, 4.0, 5.0)
SCALING = Scaling(64, *SCALING_NUMBERS)


def test_the_longer_side_and_the_canvas() -> None:
    assert SCALING.size(480, 640) == (48, 64)
    assert SCALING.size(1, 1000) == (1, 64)
    assert SCALING.scaled(np.zeros((100, 50, 3), np.uint8)).shape == (64, 32, 3)
    assert Scaling(64, *SCALING_NUMBERS, stretched=True).size(48, 64) == (64, 64)
    pictures = [torch.full((3, 48, 64), 30), torch.full((3, 64, 40), 20)]
    images = SCALING.canvas(pictures)
    assert images.shape == (2, 3, 64, 64)
    assert images[0, :, 47, 63].tolist() == [10, 2.5, 0]
    assert images[0, :, 48:].abs().max() == 0
    assert images[1, :, 63, 39].tolist() == [5, 0, -2]
    other = Scaling(64, SCALING.mean, SCALING.std, bgr=True)
    assert torch.equal(other.canvas(pictures), images.flip(1))


@pytest.mark.parametrize(
    "change", [{"side": 10}, {"side": "64"}, {"std": [1, 0, 1]}, {"mean": [1, 2]}]
)
def test_damaged_values(change: dict) -> None:
    values = {"side": 64, "mean": [1, 2, 3], "std": [1, 1, 1], "bgr": False, "stretched": False}
    assert Scaling.from_json(values).side == 64
    with pytest.raises(ValueError, match=r"channels|pixels"):
        Scaling.from_json({**values, **change})
