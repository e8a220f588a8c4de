"""Classes laid over pictures."""

import numpy as np
import pytest

from striate.visualize import masks
from striate.visualize.masks import overlaid, palette


@pytest.mark.parametrize("strip", [2**20, 32])
def test_colors_are_mixed_and_class_0_and_void_stay_clear(monkeypatch, strip):
    monkeypatch.setattr(masks, "STRIP", strip)
    pixels = np.full((9, 16, 3), 100, np.uint8)
    labels = np.zeros((9, 16), np.uint8)
    labels[4:, :8], labels[8] = 1, 255
    found = np.asarray(overlaid(pixels, labels, ()))
    mixed = (0.45 * 100 + 0.55 * palette(2)[1]).astype(np.uint8)
    assert (found[4:8, :8] == mixed).all()
    assert (found[:4] == 100).all()
    assert (found[8] == 100).all()


def test_names_are_written_only_where_half_of_the_picture_stays_free():
    for size, written in (((200, 200), True), ((40, 48), False)):
        pixels = np.full((*size, 3), 100, np.uint8)
        found = np.asarray(overlaid(pixels, np.zeros(size, np.uint8), ("background",)))
        assert (found != 100).any() == written
        assert (found[size[0] // 2 :] == 100).all()
