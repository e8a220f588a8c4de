"""Heat maps: where they lie on the picture, what cells mean, and that hiding is what counts."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.images import View
from striate.images.decoding import Picture
from striate.recognizer import Recognizer
from striate.serving.explaining import box_of, explain, pooled, seen
from striate.training import Preprocessing


@pytest.mark.parametrize(
    ("size", "view", "box"),
    [
        ((200, 100), View(50, fraction=1.0), (0.25, 0, 0.75, 1)),
        ((100, 200), View(50, fraction=1.0), (0, 0.25, 1, 0.75)),
        ((160, 160), View(7, fraction=0.875), (0.0625, 0.0625, 0.9375, 0.9375)),
        ((200, 100), View(50, fit="squash"), (0, 0, 1, 1)),
        ((200, 100), View(50, fit="pad"), (0, -0.5, 1, 1.5)),
    ],
)
def test_what_a_view_shows(size, view, box):
    picture = Picture(np.zeros((size[1], size[0], 3), np.uint8), (0, 0, *size))
    assert box_of(picture, view) == pytest.approx(box)


def test_what_a_view_shows_of_a_turned_photograph(jpeg):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    data = jpeg(size=(200, 100), exif=exif)
    assert seen(data, View(50, fraction=1.0)) == pytest.approx((0, 0.25, 1, 0.75))


def test_cells_are_means():
    np.testing.assert_array_equal(pooled(np.eye(3)), np.eye(3))
    values = np.arange(56 * 56.0).reshape(56, 56)
    expected = values.reshape(28, 2, 28, 2).mean((1, 3))
    np.testing.assert_allclose(pooled(values), expected)
    assert pooled(np.full((61, 61), 2.0)) == pytest.approx(np.full((28, 28), 2.0))


class Corner(nn.Module):
    """Says "bright" as far as the upper left quarter is."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(3, 2, 1)
        with torch.no_grad():
            self.maps.weight.copy_(
                torch.tensor([1.0, -1.0])[:, None, None, None].expand(2, 3, 1, 1)
            )
            self.maps.bias.zero_()

    def forward(self, images):
        return 4 * self.maps(images)[:, :, :14, :14].mean((2, 3))


def test_what_counts_is_warm(jpeg):
    view = View(28, fit="squash")
    preprocessing = Preprocessing(view, (0.0,) * 3, (255.0,) * 3)
    bright = Recognizer(
        Corner(), {"name": None, "kind": "Corner"}, preprocessing, ("bright", "dark")
    )
    found = explain(bright, jpeg(size=(28, 28)), "bright")
    assert found.map.shape == (28, 28)
    assert found.map[:10, :10].mean() > 10 * abs(found.map[18:, 18:]).mean()
    assert found.to_json()["largest"] == pytest.approx(found.map.max(), abs=1e-6)
    assert explain(bright, jpeg(size=(28, 28)), "dark").map[:10, :10].mean() < 0
