"""Smoothing by pencil, its variances, and whole resizes beside torch's antialiased one."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.augment import warp
from striate.augment.shrinking import UNSEEN, plan, shrink, smooth_


def scaled(*scales: float) -> Tensor:
    return torch.tensor(scales)[:, None, None] * torch.eye(2, 3)


def test_shrinking_by_two_is_the_binomial() -> None:
    # (s^2 - 1) / 12 = 1/4: the weights are 1/4, 1/2, 1/4.
    [(rows, level, weights)] = plan(scaled(2.0), (8, 8), (8, 8))
    assert (rows, level) == ([0], (0, 0))
    assert weights is not None
    assert weights.tolist() == [[0.25, 0.25]]
    picture = torch.tensor([0.0, 0, 0, 8, 0, 0]).expand(1, 1, 3, 6).clone()
    smooth_(picture, torch.tensor([[0.0, 0.25]]))
    assert picture[0, 0, 1].tolist() == pytest.approx([0, 0, 2, 4, 2, 0])


def test_the_edge_goes_on() -> None:
    picture = torch.tensor([8.0, 0, 0, 0, 4]).expand(1, 1, 2, 5).clone()
    smooth_(picture, torch.tensor([[0.1, 0.1]]))
    assert picture[0, 0, 0].tolist() == pytest.approx([7.2, 0.8, 0, 0.4, 3.6])


@pytest.mark.parametrize("scale", [1.0, 1.2, 1.9, 2.3, 2.5, 3.3, 4.0, 7.0, 12.0, 30.0])
def test_the_variances_add_up_to_that_of_the_triangle(scale: float) -> None:
    [(_, (k, across), weights)] = plan(scaled(scale), (256, 256), (256, 256))
    a = 0.0 if weights is None else weights[0, 0].item()
    assert k == across
    mean, reading = (4**k - 1) / 12, 4**k / 6
    missing = scale**2 / 6 - mean - reading
    assert missing >= -1e-9  # never smoother than the triangle
    assert missing == pytest.approx(2 * a * 4**k, abs=2 * UNSEEN * 4**k)


def test_each_axis_has_its_own() -> None:
    matrix = torch.tensor([[[1.0, 0, 0], [0, 4, 0]]])
    [(_, level, weights)] = plan(matrix, (64, 64), (64, 64))
    assert level == (1, 0)
    assert weights is not None
    assert weights[0].tolist() == pytest.approx([(16 / 4 - 1) / 12 - (1 - 1 / 4) / 24, 0])


def test_a_rotation_shrinks_nothing() -> None:
    turn = torch.tensor([[[0.6, -0.8, 0], [0.8, 0.6, 0]]])
    assert plan(turn, (64, 64), (64, 64))[0][1:] == ((0, 0), None)
    assert plan(turn, (64, 64), (32, 32))[0][2] is not None  # but fewer pixels do


def test_sides_that_do_not_divide_go_on() -> None:
    row = torch.tensor([1.0, 3, 5, 7, 9]).expand(1, 1, 2, 5)
    smaller, used = shrink(row.clone(), (0, 1), None)
    assert smaller[0, 0, 0].tolist() == [2, 6, 9]
    assert used == (1.0, 5 / 6)


@pytest.mark.parametrize("scale", [1.25, 1.6, 2.0, 2.7, 3.5, 5.0, 8.0])
def test_resizes_are_close_to_an_antialiased_one(scale: float) -> None:
    # Noise is the hardest picture: its finest pattern must go as it does under the triangle.
    noise = torch.rand(4, 3, 160, 120, generator=torch.Generator().manual_seed(0)) * 255
    size = (round(160 / scale), round(120 / scale))
    ours = warp(noise, torch.eye(2, 3).expand(4, 2, 3), size=size)
    theirs = F.interpolate(noise, size, mode="bilinear", antialias=True)
    bare = F.interpolate(noise, size, mode="bilinear")
    inside = (..., slice(2, -2), slice(2, -2))
    error, before = ((x - theirs)[inside].std() for x in (ours, bare))
    assert error < 0.6 * before
    assert ours[inside].std() == pytest.approx(theirs[inside].std().item(), rel=0.25)
    torch.testing.assert_close(ours.mean(), theirs.mean(), rtol=0.01, atol=0)


@given(
    h=st.integers(1, 40), w=st.integers(1, 40), scale=st.floats(0.2, 40), value=st.floats(0, 255),
)  # fmt: skip
def test_one_color_stays_and_nothing_leaves_its_range(
    h: int, w: int, scale: float, value: float
) -> None:
    plain = torch.full((1, 1, h, w), value)
    assert torch.allclose(warp(plain, scaled(scale)), plain, atol=1e-3)
    noise = torch.rand(1, 1, h, w)
    views = warp(noise, scaled(scale), size=(5, 3))
    assert noise.min() - 1e-5 <= views.min()
    assert views.max() <= noise.max() + 1e-5
