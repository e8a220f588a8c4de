"""The convex machine: its optimum, its bounds, the outlines."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from striate.handcrafted.deformable import Component, turned_boxes
from striate.handcrafted.deformable_solving import (
    FREE,
    LEAST_COST,
    SHY,
    Examples,
    outlined,
    solved,
    thinned,
)
from striate.handcrafted.deformable_start import with_parts
from striate.handcrafted.pyramid import DEPTH, Pyramid


def blank(rows: int = 3, columns: int = 3) -> Component:
    return Component(0, torch.zeros(DEPTH, rows, columns), 0.0, (20.0, 40.0))


def vectors(count: int, one: Component, shift: float) -> Tensor:
    values = torch.randn(count, len(one.weights)) * 0.3 + shift
    values[:, -1] = 1.0
    return values


def test_the_machine_is_at_its_optimum() -> None:
    one = with_parts(replace(blank(), root=torch.randn(DEPTH, 3, 3)), count=2, covered=0.8)
    examples = Examples(vectors(30, one, 0.01), torch.zeros(30, 4), vectors(60, one, -0.01))
    best = solved(one, examples, 0.5)

    def objective(weights: Tensor) -> Tensor:
        signs = torch.tensor([1.0] * 30 + [-1.0] * 60)
        every = torch.cat([examples.positives, examples.negatives]).double()
        slack = (1 - signs * (every @ weights)).clamp(min=0)
        scales = one.but(torch.ones(len(weights)))
        factors = replace(scales, costs=scales.costs * SHY, bias=FREE).weights
        return 0.5 * (weights / factors).square().sum() + 0.5 * slack.square().sum()

    at = best.weights.double()
    least = float(objective(at))
    for _ in range(30):
        step = torch.randn(len(at), dtype=torch.float64) * 0.003
        moved = one.but((at + step).float())
        held = moved.costs.clone()
        held[:, 2:] = held[:, 2:].clamp(min=LEAST_COST)
        assert float(objective(replace(moved, costs=held).weights.double())) > least - 1e-5


def test_leaving_a_place_is_never_free() -> None:
    one = with_parts(replace(blank(), root=torch.randn(DEPTH, 3, 3)), count=2, covered=0.8)
    examples = Examples(
        vectors(30, one, -0.5), torch.zeros(30, 4), vectors(60, one, 0.5)
    )  # moving looks like a gain
    costs = solved(one, examples, 1.0).costs[:, 2:]
    torch.testing.assert_close(costs, torch.full_like(costs, LEAST_COST))


def test_only_the_hardest_are_kept() -> None:
    one = blank()
    weights = one.weights
    weights[-1] = 1.0
    rows = torch.zeros(5, len(weights))
    rows[:, -1] = torch.tensor([3.0, -1.0, 2.0, 0.0, 1.0])
    examples = Examples(
        rows[:0], torch.zeros(0, 4), rows, keys=[(0, 0, 0, row, 0) for row in range(5)]
    )
    thinned(one.but(weights), examples, 2)
    assert examples.negatives[:, -1].tolist() == [3.0, 2.0]
    assert [key[3] for key in examples.keys] == [0, 2]


def test_negatives_of_no_such_picture() -> None:
    picture = Pyramid({5: torch.zeros(31, 4, 4, dtype=torch.float16)}, (32, 32))
    inside = torch.tensor([[0, 5, 1, 2, 0]], dtype=torch.int32)
    assert Examples.told(blank(), inside, [picture]).keys == [(0, 5, 1, 2, 0)]
    for place, value in ((0, 1), (0, -1), (1, 6), (2, 50), (3, 50), (4, 2)):
        table = inside.clone()
        table[0, place] = value
        with pytest.raises(LookupError):
            Examples.told(blank(), table, [picture])
    with pytest.raises(RuntimeError):
        Examples.told(blank(), inside[:, :3], [picture])


def test_outlines_are_least_squares() -> None:
    one = with_parts(replace(blank(), root=torch.randn(DEPTH, 3, 3)), count=2, covered=0.8)
    moves = torch.randint(-3, 4, (5000, 2, 2))
    ways = -torch.cat([moves, moves**2], 2).float().flatten(1)
    front = torch.zeros(5000, len(one.weights) - 9)
    rows = torch.cat([front, ways, torch.ones(5000, 1)], 1)
    truth = torch.randn(4, 5) * 0.1
    offsets = torch.cat([torch.ones(5000, 1), moves.flatten(1)], 1) @ truth.T
    offsets[::7] = torch.nan  # things that the picture cuts off
    fitted = outlined(one, Examples(rows, offsets, rows[:0]))
    torch.testing.assert_close(fitted.outline, truth, atol=1e-3, rtol=0)
    assert outlined(one, Examples(rows[:1], offsets[:1], rows[:0])) is one


def test_things_are_turned_to_look_one_way() -> None:
    one = blank(2, 4)
    generator = torch.Generator().manual_seed(0)
    thing = torch.randn(len(one.weights), generator=generator)
    rows = thing + 0.5 * torch.randn(40, len(thing), generator=generator)
    away = torch.rand(40, 4, generator=generator)
    turn = torch.arange(40) % 3 == 0
    seen = torch.where(turn[:, None], one.turned(rows), rows)
    boxes = torch.where(turn[:, None], turned_boxes(away), away)
    examples = Examples(seen, boxes, rows[:0])
    examples.face_one_way(one)
    turned = torch.equal(examples.positives[0], one.turned(rows[0]))  # all may look the other way
    torch.testing.assert_close(examples.positives, one.turned(rows) if turned else rows)
    torch.testing.assert_close(examples.offsets, turned_boxes(away) if turned else away)
    none = Examples(rows[:0], away[:0], rows[:0])
    none.face_one_way(one)
    assert not len(none.positives)
