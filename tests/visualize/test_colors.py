"""Color scales: lightness in a straight line; maps over pictures."""

import numpy as np
import pytest

from striate.visualize.colors import DARKEST, ENDS, LIGHTEST, MIDDLE, TO_CONES, colored, heat, table

TO_LINEAR_CONES = np.array(  # linear sRGB to cone responses (Ottosson 2020)
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)


def lightness(pixels):
    """OKLab's L of sRGB, by the published way there (ours goes back)."""
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ TO_LINEAR_CONES.T)
    return cones @ np.linalg.inv(TO_CONES)[0]


def test_lightness_is_a_straight_line():
    np.testing.assert_allclose(
        lightness(table("ember")), np.linspace(DARKEST, LIGHTEST, 256), atol=0.012
    )
    expected = MIDDLE + (ENDS - MIDDLE) * np.abs(np.linspace(-1, 1, 256))
    np.testing.assert_allclose(lightness(table("balance")), expected, atol=0.012)


def test_numbers_take_the_color_of_their_place():
    found = colored(np.array([0.0, 5, 10, -3, 12, np.nan]), low=0, high=10)
    colors = table("ember")
    assert found[:3].tolist() == colors[[0, 128, 255]].tolist()
    assert found[3:5].tolist() == colors[[0, 255]].tolist()  # outside: the ends
    assert found[5].tolist() == [128, 128, 128]
    assert colored(np.ones((2, 3)), low=1, high=1).shape == (2, 3, 3)


def test_balance_is_blue_below_and_red_above():
    low, middle, high = colored(np.array([-1.0, 0, 1]), low=-1, high=1, scale="balance").astype(int)
    assert low[2] > low[0] + 80
    assert high[0] > high[2] + 80
    assert np.ptp(middle) <= 2
    assert middle.min() > 235


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 30), (77, 91)])
def test_heat_fits_the_picture_whatever_the_map(shape):
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    map = np.random.default_rng(1).standard_normal(shape)
    for signed in (False, True):
        page = heat(image, map, signed=signed)
        assert page.shape == image.shape
        assert page.dtype == np.uint8


def test_heat_is_bright_where_the_map_is_large():
    image = np.full((32, 32, 3), 100, np.uint8)
    map = np.zeros((8, 8))
    map[2, 6] = 1
    page = heat(image, map).sum(axis=2)
    row, column = np.unravel_index(page.argmax(), page.shape)
    assert (row // 4, column // 4) == (2, 6)
    assert (
        heat(image, np.zeros((8, 8)), signed=True).tolist()
        == np.full((32, 32, 3), round(48 + 100 * 207 / 255)).tolist()
    )


def test_ends_can_be_fixed_so_that_maps_compare():
    image = np.zeros((4, 4, 3), np.uint8)
    half = heat(image, np.full((4, 4), 0.5), low=0, high=1)
    whole = heat(image, np.full((4, 4), 1.0), low=0, high=1)
    assert half.sum() < whole.sum()
