"""Boxes on pictures: where their lines fall."""

import numpy as np

from striate.visualize.boxes import Frame, color_of, drawn

RED = (255, 0, 0)


def test_lines_lie_on_the_edges_and_the_picture_stays() -> None:
    pixels = np.full((60, 80, 3), 50, np.uint8)
    image = np.asarray(drawn(pixels, [Frame((10, 20, 40, 50), "", "#ff0000")]))
    assert image.shape == (60, 80, 3)
    assert (pixels == 50).all()
    red = (image == RED).all(2)
    assert red[20, 10:41].all()
    assert red[50, 10:41].all()
    assert red[20:51, 10].all()
    assert red[20:51, 40].all()
    assert not red[25:45, 15:35].any()
    dashed = np.asarray(drawn(pixels, [Frame((10, 20, 40, 50), "", "#ff0000", dashed=True)]))
    share = (dashed == RED).all(2)[20, 10:41].mean()
    assert 0.3 < share < 0.8


def test_large_pictures_are_made_small_before_they_are_drawn_on() -> None:
    pixels = np.zeros((200, 400, 3), np.uint8)
    image = drawn(pixels, [Frame((0, 0, 200, 100), "a", "#ff0000")], side=100)
    assert image.size == (100, 50)
    red = (np.asarray(image) == RED).all(2)
    assert red[:26, 50].all()
    assert not red[:, 53:].any()
    assert drawn(pixels, [], side=1000).size == (400, 200)


def test_colors_come_again() -> None:
    assert color_of(0) == color_of(8) != color_of(1)
