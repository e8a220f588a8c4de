"""The scaling in a graph: the pixels of Pillow, whatever the size."""

import numpy as np
import pytest
import torch

from striate.models import Normalization
from striate.tasks.detection.canvas import Canvas
from striate.tasks.detection.scaling import Scaling


def picture(height: int, width: int) -> np.ndarray:
    generator = np.random.default_rng(height * 1000 + width)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("stretched", [False, True])
@pytest.mark.parametrize("bgr", [False, True])
def test_the_canvas_to_the_pixel(stretched, bgr):
    """Also where Pillow 13 would resample the rows first."""
    scaling = Scaling(64, Normalization((10.0, 20.0, 30.0), (2.0, 4.0, 5.0), bgr), stretched)
    for height, width in ((1, 1), (48, 64), (300, 90), (1300, 310), (1, 700), (3, 2000), (65, 33)):
        pixels = picture(height, width)
        scaled = torch.from_numpy(scaling.scaled(pixels).copy()).permute(2, 0, 1)
        canvas, size = Canvas(scaling)(torch.from_numpy(pixels))
        assert size.tolist() == list(scaled.shape[1:])
        assert torch.equal(canvas, scaling.canvas([scaled]))
