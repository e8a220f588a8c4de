"""Pictures of part models: strokes along edges, parts in place, costs that grow."""

import numpy as np
import pytest
import torch

from striate.handcrafted.deformable import Component
from striate.handcrafted.part_features import part_features
from striate.handcrafted.pyramid import DEPTH
from striate.tasks.detection.dpm.picture import CELL, costs, dpm_sheet, glyphs, placed, strokes
from striate.tasks.detection.dpm.predictor import DPMPredictor


def component(parts: int) -> Component:
    root = torch.zeros(DEPTH, 3, 4)
    root[0] = 1.0
    return Component(
        0,
        root,
        0.0,
        (20.0, 40.0),
        torch.rand(parts, DEPTH, 2, 2),
        torch.tensor([[0, 0], [6, 4]])[:parts],
        torch.tensor([0.0, 0.0, 0.1, 0.4]).repeat(parts, 1),
        torch.zeros(4, 1 + 2 * parts),
    )


@pytest.mark.parametrize(
    ("bin_", "down"), [(0, True), (9, True), (18, True), (4, False), (5, False)]
)
def test_a_stroke_lies_along_its_edge(bin_: int, down: bool) -> None:
    # A gradient to the right is an edge from top to bottom.
    one = torch.zeros(DEPTH, 1, 1)
    one[bin_] = 1.0
    drawn = glyphs(one, 33)
    assert drawn.shape == (33, 33)
    assert bool(drawn.sum(0).max() > drawn.sum(1).max()) is down


def test_a_stroke_is_drawn_as_the_edge_that_made_it() -> None:
    # The slope x + y rises to the lower right: its edge runs from lower left to upper right.
    slope = (torch.arange(24.0)[:, None] + torch.arange(24.0)) / 48
    features = torch.cat([part_features(slope[None, None])[0], torch.zeros(1, 3, 3)])
    drawn = glyphs(features[:, 1:2, 1:2], 33)
    rising = torch.stack([drawn[32 - k, k] for k in range(33)])
    assert float(rising.sum()) > 3 * float(drawn.diagonal().sum())


def test_strokes_are_turned_copies() -> None:
    bars = strokes(40)
    assert bars.shape == (9, 40, 40)
    torch.testing.assert_close(bars.sum((1, 2)), bars[0].sum().expand(9), atol=8.0, rtol=0)


def test_negative_weights_draw_nothing() -> None:
    assert not glyphs(-torch.rand(DEPTH, 2, 3), 10).any()


def test_parts_and_costs_lie_where_the_parts_are() -> None:
    one = component(2)
    drawn, expense = placed(one), costs(one)
    assert drawn.shape == expense.shape == (3 * CELL, 4 * CELL, 3)
    assert drawn[: CELL - 1, : CELL - 1].any()
    assert not drawn[:CELL, 2 * CELL : 3 * CELL].any()
    middle, side = CELL // 2, CELL - 1
    assert expense[middle, middle, 0] < expense[middle, side, 0] < expense[side, middle, 0]


@pytest.mark.parametrize("parts", [0, 2])
@pytest.mark.parametrize("size", [None, (1, 50), (60, 80)])
def test_a_sheet(parts: int, size: tuple[int, int] | None) -> None:
    predictor = DPMPredictor((component(parts), component(0)), torch.ones(1, 2).double())
    pixels = None if size is None else np.zeros((*size, 3), np.uint8)
    page = dpm_sheet(predictor, ["square"], pixels)
    assert page.dtype == np.uint8
    assert page.ndim == 3
    assert pixels is None or not pixels.any()  # the picture itself is not drawn into


def test_a_predictor_that_learned_nothing() -> None:
    assert dpm_sheet(DPMPredictor((), torch.ones(1, 2).double()), ["square"]).ndim == 3
