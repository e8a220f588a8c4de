"""The picture of a network is well-formed SVG that shows its stages."""

from xml.etree import ElementTree as ET

import pytest
from torch import nn

from striate.models import NETWORKS, describe, draw

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_drawn(name, described):
    picture = ET.fromstring(draw(described(name)))
    names = [text.text for text in picture.iter(f"{SVG}text")]
    assert names[0] == name
    last = described(name).stages[-1].name
    if name != "lenet5_1998":  # its output has nothing to learn
        assert names[-1] == last
    width, height = float(picture.get("width")), float(picture.get("height"))
    for box in list(picture.iter(f"{SVG}rect"))[1:]:
        assert 0 <= float(box.get("x")) <= float(box.get("x")) + float(box.get("width")) <= width
        assert 0 <= float(box.get("y")) <= float(box.get("y")) + float(box.get("height")) <= height


def test_blocks_shrink_with_their_maps_and_widen_with_their_channels():
    boxes = list(ET.fromstring(draw(describe("vgg11"))).iter(f"{SVG}rect"))[1:]
    heights = [float(box.get("height")) for box in boxes[:-3]]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == 150
    assert heights[-1] == pytest.approx(150 * (7 / 224) ** 0.5, abs=0.1)
    assert float(boxes[1].get("width")) > float(boxes[0].get("width"))


def test_pointing_tells_the_row():
    assert (
        "<title>conv1, Conv2d 11 x 11, stride 4, 96 x 55 x 55, 34,944 parameters</title>"
        in draw(describe("alexnet"))
    )


def test_names_cannot_break_the_document():
    model = nn.Sequential()
    model.add_module("<b>&", nn.Conv2d(3, 4, 3))
    assert "&lt;b&gt;&amp;" in draw(describe(model, 8))
    ET.fromstring(draw(describe(model, 8)))
