"""The distance transform: by hand, beside every pair of places, beside the lower envelope."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from striate.ops.distance_transform import farthest, fetched


def every_pair(scores: Tensor, costs: Tensor, reach: int | None) -> Tensor:
    """The definition, place by place."""
    out = torch.full_like(scores, -torch.inf)
    parts, height, width = scores.shape
    for p, y, x in np.ndindex(parts, height, width):
        for v, u in np.ndindex(height, width):
            dx, dy = u - x, v - y
            if reach is None or max(abs(dx), abs(dy)) <= reach:
                way = torch.tensor([dx, dy, dx**2, dy**2], dtype=scores.dtype) @ costs[p]
                out[p, y, x] = torch.maximum(out[p, y, x], scores[p, v, u] - way)
    return out


def lower_envelope(values: NDArray[np.float64], square: float) -> NDArray[np.float64]:
    """min over q of square (p - q)² + values[q], by the parabolas that lie lowest (Felzenszwalb &
    Huttenlocher, Algorithm 1)."""
    lowest, starts = [0], [-np.inf]
    for q in range(1, len(values)):
        while True:
            v = lowest[-1]
            meet = (values[q] / square + q * q - values[v] / square - v * v) / (2 * q - 2 * v)
            if meet > starts[-1]:
                break
            lowest.pop()
            starts.pop()
        lowest.append(q)
        starts.append(meet)
    starts.append(np.inf)
    out, k = np.empty_like(values), 0
    for p in range(len(values)):
        while starts[k + 1] < p:
            k += 1
        out[p] = square * (p - lowest[k]) ** 2 + values[lowest[k]]
    return out


def drawn(parts: int, height: int, width: int, seed: int) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(parts, height, width)) * 3
    costs = random.normal(size=(parts, 4)) * 0.5
    costs[:, 2:] = np.abs(costs[:, 2:]) + 0.01
    return torch.from_numpy(scores), torch.from_numpy(costs)


def test_a_line_by_hand() -> None:
    # One peak of 9; a step to the right costs 1 + 0.5, one to the left -1 + 0.5.
    scores = torch.tensor([[[0.0, 0.0, 9.0, 0.0, 0.0]]])
    costs = torch.tensor([[1.0, 0.0, 0.5, 1.0]])
    expected = [9 - 2 - 2, 9 - 1 - 0.5, 9.0, 9 + 1 - 0.5, 9 + 2 - 2]
    assert fetched(scores, costs).flatten().tolist() == expected
    near = [0.0, 7.5, 9.0, 9.5, 0.5]
    assert fetched(scores, costs, reach=1).flatten().tolist() == near


def test_a_column_is_as_a_line() -> None:
    scores, costs = drawn(2, 5, 7, 0)
    turned = fetched(scores.transpose(1, 2), costs[:, [1, 0, 3, 2]])
    torch.testing.assert_close(turned.transpose(1, 2), fetched(scores, costs))


@given(
    parts=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    reach=st.sampled_from([None, 0, 1, 2, 9]),
    seed=st.integers(0, 99),
)
def test_beside_every_pair(
    parts: int, height: int, width: int, reach: int | None, seed: int
) -> None:
    scores, costs = drawn(parts, height, width, seed)
    torch.testing.assert_close(
        fetched(scores, costs, reach=reach), every_pair(scores, costs, reach), atol=1e-9, rtol=0
    )


@given(width=st.integers(1, 80), square=st.floats(0.01, 4), seed=st.integers(0, 99))
def test_beside_the_lower_envelope(width: int, square: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=width) * 10
    costs = torch.tensor([[0.0, 0.0, square, square]], dtype=torch.float64)
    ours = -fetched(-torch.from_numpy(values)[None, None], costs)[0, 0]
    np.testing.assert_allclose(ours, lower_envelope(values, square), atol=1e-9)


def test_places_where_nothing_is() -> None:
    scores, costs = drawn(1, 4, 6, 1)
    scores[0, 1:3, ::2] = -torch.inf
    torch.testing.assert_close(fetched(scores, costs), every_pair(scores, costs, None))
    empty = torch.full_like(scores, -torch.inf)
    assert torch.equal(fetched(empty, costs), empty)


def test_the_bound_by_hand() -> None:
    # Scores differ by 8 at most; 0.5 d² - d is 7.5 at d = 5, 12 at d = 6, and 8 in between.
    scores = torch.tensor([[[0.0, 8.0]]])
    assert farthest(scores, torch.tensor([1.0]), torch.tensor([0.5])) == 6


def test_what_cannot_be() -> None:
    scores, costs = drawn(1, 2, 2, 0)
    with pytest.raises(ValueError, match="must cost more than 0, not 0"):
        fetched(scores, torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"scores \(1, 2, 2\) and costs \(2, 4\)"):
        fetched(scores, costs.repeat(2, 1))
