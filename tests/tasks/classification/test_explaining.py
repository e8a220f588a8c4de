"""Heat maps: where they lie on the picture, what cells mean, and that hiding is what counts."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from striate.errors import ImageError, ModelError, UnknownName
from striate.images import View
from striate.images.decoding import Picture
from striate.inference import Preprocessing
from striate.models import Normalization
from striate.tasks.classification.exported import Exported
from striate.tasks.classification.network import Network
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.task import Classification
from striate.tasks.pictures.hiding import box_of, explain, pooled, shown, spread

NAMES = ("bright", "dark")


def jpeg(size: tuple[int, int], *, left: int = 200, **options: object) -> bytes:
    """A gray picture whose left half has another brightness."""
    picture = np.full((size[1], size[0], 3), 60, np.uint8)
    picture[:, : size[0] // 2] = left
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **options)
    return buffer.getvalue()


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
def test_what_a_view_shows(
    size: tuple[int, int], view: View, box: tuple[float, float, float, float]
) -> None:
    picture = Picture(np.zeros((size[1], size[0], 3), np.uint8), (0, 0, *size))
    assert box_of(picture, view) == pytest.approx(box)


def test_what_a_view_shows_of_a_turned_photograph() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    data = jpeg((200, 100), exif=exif)
    assert shown(data, View(50, fraction=1.0)) == pytest.approx((0, 0.25, 1, 0.75))


def test_cells_are_means() -> None:
    np.testing.assert_array_equal(pooled(np.eye(3)), np.eye(3))
    values = np.arange(56 * 56.0).reshape(56, 56)
    expected = values.reshape(28, 2, 28, 2).mean((1, 3))
    np.testing.assert_allclose(pooled(values), expected)
    assert pooled(np.full((61, 61), 2.0)) == pytest.approx(np.full((28, 28), 2.0))


def test_losses_are_spread_over_what_a_square_hides() -> None:
    found = spread(np.array([[1.0, 2.0], [3.0, 4.0]]), side=4, size=3, stride=1)
    assert found.tolist() == [
        [1, 1.5, 1.5, 2], [2, 2.5, 2.5, 3], [2, 2.5, 2.5, 3], [3, 3.5, 3.5, 4],
    ]  # fmt: skip
    gap = spread(np.ones((2, 2)), side=5, size=1, stride=3)
    assert np.isnan(gap).sum() == 21  # what no square hides


class Corner(nn.Module):
    """Class 0 as far as the upper left quarter is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(3, 2, 1)
        with torch.no_grad():
            self.maps.weight.copy_(
                torch.tensor([1.0, -1.0])[:, None, None, None].expand(2, 3, 1, 1)
            )
            assert self.maps.bias is not None
            self.maps.bias.zero_()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 4 * self.maps(images)[:, :, :14, :14].mean((2, 3))


def test_what_counts_is_warm() -> None:
    view = View(28, fit="squash")
    rule = Preprocessing(view, Normalization((0.0,) * 3, (255.0,) * 3))
    bright = Network.own(Corner(), rule, 2)
    data = jpeg((28, 28), left=255)
    found = explain(bright, NAMES, data, "bright")
    assert found.map.shape == (28, 28)
    assert found.pixels.shape == (28, 28, 3)
    assert found.box == (0, 0, 1, 1)
    assert found.map[:10, :10].mean() > 10 * abs(found.map[18:, 18:]).mean()
    assert explain(bright, NAMES, data, "dark").map[:10, :10].mean() < 0
    chosen = explain(bright, NAMES, data, None)
    assert chosen.name == "bright"
    assert chosen.probability == pytest.approx(bright.answers(bright.prepare(data)[None])[0][0, 0])
    with pytest.raises(UnknownName, match="bright"):
        explain(bright, NAMES, data, "brigt")
    with pytest.raises(ImageError):
        explain(bright, NAMES, b"no picture", None)


@pytest.mark.parametrize("name", ["lenet5", "efficientnet_lite0", "visual words"])
def test_every_kind_of_classifier_explains(name: str, make: Callable[[str], Classifier]) -> None:
    ours = make(name)
    found = Classification().explained(ours, ("a", "b", "c"), jpeg((80, 60)), None)
    assert found.map.shape == (28, 28)
    assert np.isfinite(found.map).all()
    assert np.ptp(found.map) > 0
    assert not ours.model.training


def test_an_export_has_no_layers() -> None:
    export = Exported.__new__(Exported)
    assert not Classification().explains(export)
    assert Classification().refuses(export)
    with pytest.raises(ModelError, match="an export has no layers"):
        explain(export, NAMES, b"", None)
