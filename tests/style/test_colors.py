"""Colors of a photograph in a picture painted otherwise."""

import numpy as np

from striate.style.colors import YIQ, grayed, luminance, recolored, with_luminance


def drawn(seed: int, mean: tuple[int, int, int]) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (40, 30, 3)) @ np.diag((12, 20, 8))
    return (noise + mean).clip(0, 255).astype(np.uint8)


def test_a_recolored_painting_has_mean_and_covariance_of_the_photograph() -> None:
    painting, photo = drawn(1, (90, 140, 100)), drawn(2, (120, 100, 150))
    found = recolored(painting, photo).reshape(-1, 3).astype(float)
    wanted = photo.reshape(-1, 3).astype(float)
    assert np.abs(found.mean(0) - wanted.mean(0)).max() < 0.5
    np.testing.assert_allclose(np.cov(found.T), np.cov(wanted.T), atol=2)


def test_a_painting_of_one_color_becomes_the_mean_color() -> None:
    photo = drawn(2, (120, 100, 150))
    found = recolored(np.full((8, 8, 3), 7, np.uint8), photo)
    assert np.abs(found - photo.reshape(-1, 3).mean(0)).max() <= 1


def test_luminance_goes_and_comes_and_colors_stay() -> None:
    photo, even = drawn(3, (120, 110, 130)), drawn(3, (120, 120, 120))
    painted = grayed(drawn(4, (100, 120, 90)), even)
    found = with_luminance(photo, painted)
    assert np.abs(luminance(found) - luminance(painted)).max() < 1
    before, after = photo @ YIQ.T, found @ YIQ.T
    assert np.abs(after - before)[..., 1:].max() < 1.5  # rounding to whole numbers
    assert abs(luminance(painted).mean() - luminance(even).mean()) < 0.5
