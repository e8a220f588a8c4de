"""Warps whose result can be written down, then random ones on random shapes."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.augment import Spread, affine_matrices, lens_strengths, warp

IDENTITY = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
EVERYTHING = Spread(mirror=0.5, rotation=20, zoom=0.2, stretch=0.2, shear=10, shift=0.1)


def ramp(height: int = 4, width: int = 4) -> Tensor:
    return torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width)


def test_the_identity_changes_nothing() -> None:
    images = torch.rand(1, 3, 5, 7) * 255
    torch.testing.assert_close(warp(images, IDENTITY), images, rtol=0, atol=1e-3)
    assert torch.equal(affine_matrices(Spread(), 2), IDENTITY.expand(2, 2, 3))


def test_a_mirror_is_an_exact_flip() -> None:
    matrices = affine_matrices(Spread(mirror=1.0), 3)
    assert matrices.tolist() == [[[-1, 0, 0], [0, 1, 0]]] * 3
    images = torch.randint(0, 256, (3, 3, 8, 8)).float()  # at powers of two nothing is rounded
    assert torch.equal(warp(images, matrices), images.flip(3))


@pytest.mark.parametrize(("sine", "turns"), [(1, 1), (-1, -1)])
def test_a_quarter_turn(sine: int, turns: int) -> None:
    # Output (x, y) reads input (-sine y, sine x); y points down.
    matrix = torch.tensor([[[0.0, -sine, 0], [sine, 0, 0]]])
    expected = torch.rot90(ramp(), turns, (2, 3))
    torch.testing.assert_close(warp(ramp(), matrix), expected, rtol=0, atol=1e-4)


def test_a_shift_by_one_pixel_repeats_the_edge() -> None:
    matrix = torch.tensor([[[1.0, 0, 2 / 4], [0, 1, 0]]])  # 2 is the whole side of 4 pixels
    rows = warp(ramp(), matrix)[0, 0].tolist()
    assert rows[0] == pytest.approx([1, 2, 3, 3], abs=1e-4)
    assert rows[3] == pytest.approx([13, 14, 15, 15], abs=1e-4)


def test_half_a_pixel_is_the_mean_of_two() -> None:
    matrix = torch.tensor([[[1.0, 0, 1 / 4], [0, 1, 0]]])
    assert warp(ramp(), matrix)[0, 0, 0].tolist() == pytest.approx([0.5, 1.5, 2.5, 3], abs=1e-4)


def fixed(monkeypatch: pytest.MonkeyPatch, *draws: float) -> None:
    """Makes the next draw these numbers: mirror, then angle, zoom, stretch, shear, right, down."""
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([draws]))


@pytest.mark.parametrize(("spread", "place", "expected"), [
    (Spread(rotation=90), 1, [[0, -1, 0], [1, 0, 0]]),
    (Spread(zoom=math.log(2)), 2, [[0.5, 0, 0], [0, 0.5, 0]]),  # twice as large: half is read
    (Spread(stretch=math.log(4)), 3, [[0.5, 0, 0], [0, 2, 0]]),  # four times as wide as high
    (Spread(shear=45), 4, [[1, 1, 0], [0, 1, 0]]),
    (Spread(shift=0.25), 5, [[1, 0, 0.5], [0, 1, 0]]),  # a quarter of the side of 2
    (Spread(shift=0.25), 6, [[1, 0, 0], [0, 1, 0.5]]),
    (Spread(mirror=0.5), 0, [[1, 0, 0], [0, 1, 0]]),  # 1.0 is not below one half
])  # fmt: skip
def test_the_far_end_of_each_value(
    spread: Spread, place: int, expected: list[list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = [0.5] * 7
    draws[place] = 1.0
    fixed(monkeypatch, *draws)
    torch.testing.assert_close(
        affine_matrices(spread, 1)[0], torch.tensor(expected, dtype=torch.float32),
        rtol=0, atol=1e-6,
    )  # fmt: skip


def test_all_together_is_the_product_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed(monkeypatch, 0.1, 0.9, 0.8, 0.3, 0.7, 0.6, 0.2)
    angle, tangent = math.radians(0.8 * 20), math.tan(math.radians(0.4 * 10))
    zoom, stretch = math.exp(0.6 * 0.2), math.exp(-0.4 * 0.2)
    rotation = torch.tensor([
        [math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]
    ])  # fmt: skip
    shear = torch.tensor([[1, tangent], [0, 1]])
    scale = torch.diag(torch.tensor([-1 / (zoom * stretch**0.5), stretch**0.5 / zoom]))
    matrix = affine_matrices(EVERYTHING, 1)[0]
    torch.testing.assert_close(matrix[:, :2], rotation @ shear @ scale)
    assert matrix[:, 2].tolist() == pytest.approx([2 * 0.2 * 0.1, 2 * -0.6 * 0.1])


def test_composing_maps_is_one_warp_not_two() -> None:
    # A smooth picture warped twice is close to the picture warped once by the product.
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    picture = (100 * torch.exp(-4 * ((x - 0.2) ** 2 + y**2)))[None, None]
    first, second = affine_matrices(EVERYTHING, 2, torch.Generator().manual_seed(3))
    square = [torch.cat([m, torch.tensor([[0.0, 0, 1]])]) for m in (first, second)]
    both = (square[0] @ square[1])[None, :2]
    twice = warp(warp(picture, first[None]), second[None])
    assert (warp(picture, both) - twice)[..., 16:48, 16:48].abs().max() < 1.0


def test_half_of_many_are_mirrored() -> None:
    matrices = affine_matrices(Spread(mirror=0.5), 4000, torch.Generator().manual_seed(0))
    assert (matrices[:, 0, 0] < 0).float().mean().item() == pytest.approx(0.5, abs=0.03)


@given(
    n=st.integers(1, 3), c=st.integers(1, 4), h=st.integers(1, 9), w=st.integers(1, 9),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_nothing_new_is_brighter_or_darker(n: int, c: int, h: int, w: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, c, h, w, generator=generator) * 255
    views = warp(images, affine_matrices(EVERYTHING, n, generator))
    assert views.shape == images.shape
    assert views.min() >= images.min() - 1e-3
    assert views.max() <= images.max() + 1e-3


def test_a_window_is_read_whole_and_lies_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([[[0.5] * 7], [[0.0, 1.0, 0.0]]])  # the smallest window, far right and up
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor(next(draws)))
    matrix = affine_matrices(Spread(crop=(0.25, 1)), 1)[0]
    assert matrix.tolist() == [[0.5, 0, 0.5], [0, 0.5, -0.5]]  # corners at 0 .. 1 and -1 .. 0


def test_windows_have_the_shares_and_shapes_of_inception() -> None:
    # Szegedy et al. 2015, Section 6: 8 % to 100 % of the area, 3:4 to 4:3.
    spread = Spread(crop=(0.08, 1), stretch=math.log(4 / 3))
    matrices = affine_matrices(spread, 4000, torch.Generator().manual_seed(1))
    wide, high = matrices[:, 0, 0], matrices[:, 1, 1]
    assert (matrices[:, 0, 2].abs() + wide).max() <= 1 + 1e-6
    assert (matrices[:, 1, 2].abs() + high).max() <= 1 + 1e-6
    assert max(wide.max(), high.max()) <= 1
    area = wide * high
    assert area.min() == pytest.approx(0.08, abs=0.005)
    ratio = (wide / high).log().abs()
    assert ratio.max() <= math.log(4 / 3) + 1e-5
    assert area.mean() == pytest.approx(0.54, abs=0.03)  # a little less: some do not fit


def test_a_rotation_of_a_wide_picture_keeps_right_angles(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed(monkeypatch, 0.5, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5)
    matrix = affine_matrices(Spread(rotation=30), 1, aspect=2.0)[0, :, :2]
    pixels = torch.diag(torch.tensor([2.0, 1.0]))  # from half sides to lengths
    turn = pixels @ matrix @ torch.linalg.inv(pixels)
    torch.testing.assert_close(turn @ turn.T, torch.eye(2))


def test_old_spreads_draw_what_they_drew() -> None:
    # New values draw after the old ones, so that a seed still means the same views.
    plain = affine_matrices(EVERYTHING, 2, torch.Generator().manual_seed(3))
    more = replace(EVERYTHING, lens=0.2, elastic=0.1)
    assert torch.equal(affine_matrices(more, 2, torch.Generator().manual_seed(3)), plain)


@pytest.mark.parametrize("wrong", [
    {"crop": (0.0, 1.0)}, {"crop": (0.5, 0.2)}, {"crop": (0.5, 1.2)}, {"mirror": 1.5},
    {"softness": 0.0},
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Spread(**wrong)


def test_lens_strengths_lie_within_their_spread() -> None:
    assert lens_strengths(Spread(), 3) is None
    strengths = lens_strengths(Spread(lens=0.2), 1000, torch.Generator().manual_seed(0))
    assert strengths is not None
    assert strengths.min() == pytest.approx(-0.2, abs=0.01)
    assert strengths.max() == pytest.approx(0.2, abs=0.01)
