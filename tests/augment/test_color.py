"""Color matrices by pencil."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.augment.color import color_matrices, recolor


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
