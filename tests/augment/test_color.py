"""Color matrices by pencil."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.augment.color import (
    IMAGENET,
    PrincipalColors,
    color_matrices,
    hue_matrices,
    recolor,
)


def far(monkeypatch: pytest.MonkeyPatch, *draws: float) -> None:
    """Makes the next draw (brightness, contrast, saturation) these; 0.5 is the middle."""
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([draws]))


def color(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float32).view(1, -1, 1, 1)


def test_no_spread_is_the_identity() -> None:
    expected = torch.cat([torch.eye(3), torch.zeros(3, 1)], 1).expand(4, 3, 4)
    torch.testing.assert_close(color_matrices(4), expected)


def test_brightness_multiplies_and_is_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    far(monkeypatch, 1.0, 0.5, 0.5)
    matrices = color_matrices(1, brightness=0.5)
    assert recolor(color(10, 100, 200), matrices).flatten().tolist() == pytest.approx(
        [15, 150, 255]
    )


def test_contrast_turns_about_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    far(monkeypatch, 0.5, 1.0, 0.5)
    matrices = color_matrices(1, contrast=1.0)  # twice the distance from 127.5
    assert recolor(color(127.5, 137.5, 20), matrices).flatten().tolist() == pytest.approx(
        [127.5, 147.5, 0], abs=1e-4
    )


def test_no_saturation_is_the_luminance(monkeypatch: pytest.MonkeyPatch) -> None:
    far(monkeypatch, 0.5, 0.5, 0.0)
    matrices = color_matrices(1, saturation=1.0)
    gray = 0.299 * 200 + 0.587 * 100 + 0.114 * 50  # 124.2
    assert recolor(color(200, 100, 50), matrices).flatten().tolist() == pytest.approx(
        [gray] * 3, abs=1e-3
    )


def test_brightness_comes_before_contrast(monkeypatch: pytest.MonkeyPatch) -> None:
    far(monkeypatch, 1.0, 0.0, 0.5)
    matrices = color_matrices(1, brightness=0.2, contrast=0.5)
    assert recolor(color(100), matrices).item() == pytest.approx((120 - 127.5) / 2 + 127.5)


@given(
    value=st.floats(0, 255), seed=st.integers(0, 999),
    spreads=st.tuples(*[st.floats(0, 0.9)] * 3),
)  # fmt: skip
def test_gray_stays_gray_and_one_channel_agrees(
    value: float, seed: int, spreads: tuple[float, float, float]
) -> None:
    brightness, contrast, saturation = spreads
    matrices = color_matrices(
        1, brightness=brightness, contrast=contrast, saturation=saturation,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    red, green, blue = recolor(color(value, value, value), matrices).flatten().tolist()
    single = recolor(color(value), matrices).item()
    assert [green, blue, single] == pytest.approx([red] * 3, abs=1e-2)
    assert 0 <= single <= 255


def test_each_image_has_its_own_matrix() -> None:
    images = torch.full((2, 3, 4, 5), 100.0)
    matrices = torch.stack([torch.eye(3, 4), 2 * torch.eye(3, 4)])
    views = recolor(images, matrices)
    assert views.shape == images.shape
    assert views[0].unique().tolist() == [100]
    assert views[1].unique().tolist() == [200]
    assert images.unique().tolist() == [100]  # what was given is not touched


def test_hue_turns_yiq_and_comes_back() -> None:
    angles = torch.tensor([0.0, math.pi, 0.4])
    still, half, some = hue_matrices(angles)
    torch.testing.assert_close(still, torch.eye(3))
    torch.testing.assert_close(half @ half, torch.eye(3), rtol=0, atol=1e-6)
    torch.testing.assert_close(some @ hue_matrices(-angles)[2], torch.eye(3), rtol=0, atol=1e-6)
    # Half a turn is the mirror image at gray: 2 Y - color. Red has Y = 0.299 * 255 = 76.2.
    red = torch.tensor([255.0, 0, 0])
    assert (half @ red).tolist() == pytest.approx([2 * 76.245 - 255, 152.49, 152.49], abs=0.01)


@given(angle=st.floats(-3, 3), rgb=st.tuples(*[st.floats(0, 255)] * 3))
def test_hue_keeps_luminance_and_gray(angle: float, rgb: tuple[float, float, float]) -> None:
    matrix = hue_matrices(torch.tensor([angle]))[0]
    luminance, pixel = torch.tensor([0.299, 0.587, 0.114]), torch.tensor(rgb)
    assert luminance @ matrix @ pixel == pytest.approx((luminance @ pixel).item(), abs=1e-2)
    assert (matrix @ torch.full((3,), 100.0)).tolist() == pytest.approx([100] * 3, abs=1e-3)


def test_all_colors_at_once_are_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([[[0.9, 0.2, 0.7]], [0.8]])
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor(next(draws)))
    monkeypatch.setattr(torch, "randn", lambda *_, **__: torch.tensor([[1.0, -1.0, 0.5]]))
    matrix = color_matrices(1, brightness=0.1, contrast=0.2, saturation=0.3, hue=20, principal=0.1)[
        0
    ]
    pixel = torch.tensor([120.0, 100.0, 90.0])
    turned = hue_matrices(torch.tensor([math.radians(0.6 * 20)]))[0] @ pixel
    gray = turned @ torch.tensor([0.299, 0.587, 0.114])
    saturated = gray + (1 + 0.4 * 0.3) * (turned - gray)
    bright = saturated * (1 + 0.8 * 0.1)
    contrast = 127.5 + (bright - 127.5) * (1 - 0.6 * 0.2)
    add = torch.tensor([0.1 * 0.2175, -0.1 * 0.0188, 0.05 * 0.0045])
    expected = contrast + 255 * add @ torch.tensor(IMAGENET.directions)
    torch.testing.assert_close(matrix @ torch.cat([pixel, torch.ones(1)]), expected)


def test_imagenets_directions_are_orthonormal() -> None:
    directions = torch.tensor(IMAGENET.directions)
    torch.testing.assert_close(directions @ directions.T, torch.eye(3), rtol=0, atol=5e-4)


def test_measured_colors_of_pixels_on_a_line() -> None:
    # Gray values 0 and 255 in equal number: one direction (1, 1, 1) / sqrt(3), variance 3/4.
    pixels = np.zeros((2, 500, 1, 3), np.uint8)
    pixels[1] = 255
    measured = PrincipalColors.measured(pixels)
    assert measured.variances == pytest.approx([0.75, 0, 0], abs=1e-3)
    assert np.abs(measured.directions[0]) == pytest.approx([3**-0.5] * 3, abs=1e-6)


def test_measured_colors_rebuild_the_covariance() -> None:
    random = np.random.default_rng(0)
    pixels = random.normal(128, 10, (300, 3)) @ [[1, 0.5, 0], [0, 1, 0.2], [0.1, 0, 0.6]]
    pixels = pixels.clip(0, 255).astype(np.uint8)
    measured = PrincipalColors.measured(pixels)
    rows = np.array(measured.directions)
    rebuilt = rows.T @ np.diag(measured.variances) @ rows
    np.testing.assert_allclose(rebuilt, np.cov(pixels.T / 255), atol=1e-12)


@given(channels=st.sampled_from([1, 3]), seed=st.integers(0, 999))
def test_normalizing_in_the_same_product_is_normalizing_after(channels: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(2, channels, 4, 5, generator=generator) * 255
    matrices = color_matrices(2, brightness=0.9, contrast=0.9, generator=generator)
    mean, std = (100.0, 120.0, 140.0)[:channels], (50.0, 60.0, 70.0)[:channels]
    shaped = (torch.tensor(v)[:, None, None] for v in (mean, std))
    middle, scale = shaped
    expected = (recolor(images, matrices) - middle) / scale
    together = recolor(images, matrices, mean=mean, std=std)
    torch.testing.assert_close(together, expected, rtol=0, atol=1e-4)
    place = torch.empty_like(images)
    recolor(images, matrices, mean=mean, std=std, out=place)
    assert torch.equal(place, together)


def test_a_negative_std_turns_bright_and_dark_round() -> None:
    images, matrices = torch.rand(2, 3, 4, 4) * 255, torch.eye(3, 4).expand(2, 3, 4)
    views = recolor(images, matrices, mean=(235.0,) * 3, std=(-200.0,) * 3)
    torch.testing.assert_close(views, (images - 235) / -200)
