"""Boxes: by hand, by the paper's formula, and against loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.ops.boxes import (
    BLOCK,
    areas,
    clipped,
    covered,
    moved,
    non_maximum_suppression,
    offsets,
    overlaps,
)


def random_boxes(count: int, seed: int, *, side: float = 40.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=generator, dtype=torch.float64) * side
    return torch.cat([low, low + 1 + torch.rand(count, 2, generator=generator).double() * side], 1)


def slow_overlap(a: list[float], b: list[float]) -> float:
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = wide * high
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union else 0.0


def slow_suppression(boxes: Tensor, scores: Tensor, threshold: float, groups: Tensor) -> list[int]:
    waiting = sorted(range(len(boxes)), key=lambda row: (-float(scores[row]), row))
    kept: list[int] = []
    for row in waiting:
        close = (
            groups[row] == groups[other]
            and slow_overlap(boxes[row].tolist(), boxes[other].tolist()) > threshold
            for other in kept
        )
        if not any(close):
            kept.append(row)
    return kept


def test_by_hand() -> None:
    a = torch.tensor([[0.0, 0, 4, 2], [1, 1, 1, 5], [3, 3, 2, 4]])
    assert areas(a).tolist() == [8, 0, 0]
    b = torch.tensor([[2.0, 0, 6, 2], [0, 0, 8, 4], [9, 9, 10, 10]])
    assert torch.allclose(overlaps(a[:1], b), torch.tensor([[4 / 12, 8 / 32, 0]]))
    assert overlaps(a[1:], a[1:]).tolist() == [[0, 0], [0, 0]]
    assert covered(a[:1], b).tolist() == [[0.5, 1, 0]]
    assert clipped(torch.tensor([[-3.0, 2, 9, 9]]), (5, 7)).tolist() == [[0, 2, 7, 5]]


def test_offsets_are_the_papers() -> None:
    reference = torch.tensor([[10.0, 20, 30, 60]])  # center 20 40, sides 20 40
    box = torch.tensor([[15.0, 20, 55, 40]])  # center 35 30, sides 40 20
    told = offsets(box, reference)
    expected = torch.tensor([[15 / 20, -10 / 40, math.log(2), math.log(0.5)]])
    assert torch.allclose(told, expected)
    assert torch.allclose(moved(reference, told), box)
    assert torch.isfinite(moved(reference, torch.full((1, 4), 1e4))).all()


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))
def test_equal_to_loops(first: int, second: int, seed: int) -> None:
    a, b = random_boxes(first, seed), random_boxes(second, seed + 1)
    table = [[slow_overlap(x, y) for y in b.tolist()] for x in a.tolist()]
    assert np.allclose(overlaps(a, b).numpy(), table)
    many = random_boxes(first, seed + 2)
    assert torch.allclose(moved(a, offsets(many, a)), many)


@given(
    st.integers(0, 60), st.integers(1, 3), st.sampled_from([0.0, 0.3, 0.5, 0.9]), st.integers(0, 99)
)
def test_suppression_is_the_loop(count: int, groups: int, threshold: float, seed: int) -> None:
    boxes = random_boxes(count, seed)
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 20, (count,), generator=generator).double()  # with equal ones
    group = torch.randint(0, groups, (count,), generator=generator)
    expected = slow_suppression(boxes, scores, threshold, group)
    assert non_maximum_suppression(boxes, scores, threshold, groups=group).tolist() == expected


def test_suppression_works_from_block_to_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.ops.boxes.BLOCK", 7)
    boxes, scores = random_boxes(50, 3), torch.rand(50)
    expected = slow_suppression(boxes, scores, 0.3, torch.zeros(50))
    assert non_maximum_suppression(boxes, scores, 0.3).tolist() == expected
    assert BLOCK > 7


def test_a_chain_keeps_every_other_box() -> None:
    steps = torch.arange(9.0)
    chain = torch.stack([steps, torch.zeros(9), steps + 2, torch.ones(9)], 1)
    kept = non_maximum_suppression(chain, -steps, 0.3)  # neighbors overlap by a third
    assert kept.tolist() == [0, 2, 4, 6, 8]
