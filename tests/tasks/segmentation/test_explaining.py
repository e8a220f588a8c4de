"""What the class of a pixel, or of a region, depends on."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import UserError
from striate.models import Normalization
from striate.tasks.segmentation.explaining import RegionScores, page, region_of
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import Segmenter
from striate.tasks.segmentation.task import Segmentation

NAMES = ("ground", "square")


class Bright(nn.Module):
    """Bright pixels are a square; a pixel depends on itself alone."""

    multiple, margin = 1, 0

    def __init__(self):
        super().__init__()
        self.scores = nn.Conv2d(3, 2, 1)
        with torch.no_grad():
            self.scores.weight.copy_(
                torch.tensor([-4.0, 4.0])[:, None, None, None].expand(2, 3, 1, 1)
            )
            self.scores.bias.zero_()

    def forward(self, images):
        return self.scores(images)


@pytest.fixture
def segmenter():
    reading = Reading(None, Normalization((127.5,) * 3, (127.5,) * 3))
    return Segmenter(Bright(), {"network": "unet"}, reading, 2)


@pytest.fixture
def picture(tmp_path):
    from PIL import Image

    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[10:20, 30:45] = 255
    Image.fromarray(pixels).save(tmp_path / "square.png")
    return str(tmp_path / "square.png")


def test_the_mean_probability_of_a_region():
    region = torch.tensor([[True, True], [False, False]])
    images = torch.tensor([[1.0, 0.0], [0.5, 0.5]]).expand(1, 3, 2, 2)
    found = RegionScores(Bright(), region)(images).softmax(1)
    expected = (torch.sigmoid(torch.tensor(24.0)) + 0.5) / 2
    assert found[0, 1].item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_pixel_depends_on_where_it_is(segmenter, picture):
    sheet, facts = page(segmenter, NAMES, picture, None, (36, 15))
    assert sheet.dtype == np.uint8
    assert facts["class"] == "square"
    assert facts["pixels"] == 1
    assert facts["probability"] == pytest.approx(1, abs=1e-6)
    assert facts["smallest"] == pytest.approx(0.5, abs=1e-6)  # hidden by gray
    left, top, right, bottom = facts["hidden_then"]
    assert left <= 36 < right
    assert top <= 15 < bottom


def test_a_part_and_a_class(segmenter, picture):
    _, facts = page(segmenter, NAMES, picture, None, (25, 10, 35, 20))
    assert facts["pixels"] == 100
    assert facts["class"] == "ground"  # half and half: the first
    _, facts = page(segmenter, NAMES, picture, "square")
    assert facts["pixels"] == 150
    assert "all pixels found as square" in facts["region"]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ((60, 3), "no part of a picture of 60 x 40"),
        ((5, 5, 5, 9), "left, top, right, bottom"),
        ((1, 2, 3), "not 3 numbers"),
    ],
)
def test_no_such_place(at, words):
    with pytest.raises(UserError, match=words):
        region_of(np.zeros((40, 60), np.int64), (40, 60), at, NAMES, None)


def test_a_class_that_is_not_there():
    with pytest.raises(UserError, match="square is found nowhere"):
        region_of(np.zeros((4, 6), np.int64), (4, 6), (), NAMES, 1)


def test_places_are_those_of_the_picture_and_not_of_what_the_network_reads():
    asked = region_of(np.zeros((4, 6), np.int64), (40, 60), (59, 39), NAMES, None)
    assert np.argwhere(asked.region).tolist() == [[3, 5]]


def test_other_methods_are_refused(segmenter, picture):
    with pytest.raises(UserError, match="occlusion alone"):
        Segmentation().explanation(segmenter, NAMES, picture, None, "gradcam")
    with pytest.raises(UserError, match="give a picture"):
        Segmentation().explanation(segmenter, NAMES, "", None, "occlusion")
