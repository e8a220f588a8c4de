"""From pixels to what a network takes."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization

RGB = Preprocessing(View(2), Normalization(mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0)))


def test_stored_pixels() -> None:
    pixels = np.array([[[[12, 24, 38]]]], dtype=np.uint8)  # (1, 1, 1, 3)
    assert RGB.tensor(pixels).flatten().tolist() == [2, 2, 2]
    images = torch.randint(0, 256, (2, 3, 2, 2), dtype=torch.uint8)
    assert torch.equal(RGB(images), RGB.normalization(images))


def test_measured() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 1), dtype=np.uint8)
    found = Preprocessing.measured(View(4, channels=1), pixels)
    assert found == Preprocessing(View(4, channels=1), Normalization.measured(pixels))


def test_it_comes_back_equal_from_json() -> None:
    deep = Preprocessing(View(2, bits=12), RGB.normalization)
    for one in (RGB, deep):
        assert Preprocessing.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ({"channels": 1}, "do not fit 1 channel"), ({"size": 10**6}, "1,000,000 pixels a side"),
        ({"size": 0}, "size"), ({"size": "2"}, "not supported"), ({"depth": 1}, "depth"),
        ({"bits": 7}, "bits must be one of"),
    ],
)  # fmt: skip
def test_views_that_do_not_fit_are_refused(view: dict[str, Any], reason: str) -> None:
    values = RGB.to_json()
    with pytest.raises((ValueError, TypeError), match=reason):
        Preprocessing.from_json({**values, "view": {**values["view"], **view}})
