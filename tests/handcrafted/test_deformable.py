"""A deformable model's scores, beside Equation 2 written out place by place."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.handcrafted.deformable import (
    LOWEST,
    REACH,
    Component,
    Scored,
    needed_levels,
)
from striate.handcrafted.part_features import MIRRORED
from striate.handcrafted.pyramid import DEPTH, LEARNED, OCTAVE, Pyramid, cell_of, pyramid


def picture(height: int, width: int, seed: int) -> Pyramid:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return pyramid(pixels, range(0, 2 * OCTAVE, LEARNED), every=LEARNED)


def component(rows: int, columns: int, parts: int, side: int, seed: int) -> Component:
    random = torch.Generator().manual_seed(seed)
    limits = (2 * columns - side + 1, 2 * rows - side + 1)
    anchors = [torch.randint(0, limit, (parts,), generator=random) for limit in limits]
    costs = torch.randn(parts, 4, generator=random) * 0.05
    costs[:, 2:] = costs[:, 2:].abs() + 0.01
    return Component(
        kind=1,
        root=torch.randn(DEPTH, rows, columns, generator=random),
        bias=0.25,
        sides=(15.0, 60.0),
        parts=torch.randn(parts, DEPTH, side, side, generator=random),
        anchors=torch.stack(anchors, 1),
        costs=costs,
        outline=torch.zeros(4, 1 + 2 * parts),
    )


def plain_score(one: Component, seen: Pyramid, level: int, row: int, column: int) -> float:
    """Equation 2 with every part where it is best; row and column count from the picture."""
    height, width = one.shape
    wide = 40
    root = seen.padded(level, wide).double()
    down, across = row + wide, column + wide
    total = one.bias + float(
        (root[:, down : down + height, across : across + width] * one.root).sum()
    )
    shape = seen.levels[level].shape[1:]
    finer = seen.padded(level - OCTAVE, wide, (2 * shape[0], 2 * shape[1])).double()
    for filter_, (x, y), cost in zip(one.parts, one.anchors.tolist(), one.costs, strict=True):
        side, best = filter_.shape[1], -np.inf
        for dy, dx in product(range(-REACH, REACH + 1), repeat=2):
            top, left = 2 * row + y + dy + wide, 2 * column + x + dx + wide
            here = float((finer[:, top : top + side, left : left + side] * filter_).sum())
            way = float((cost * torch.tensor([dx, dy, dx**2, dy**2])).sum())
            best = max(best, here - way)
        total += best
    return total


@given(
    height=st.integers(30, 60),
    width=st.integers(30, 60),
    rows=st.integers(2, 4),
    columns=st.integers(2, 4),
    parts=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_scores_beside_the_equation(
    height: int, width: int, rows: int, columns: int, parts: int, seed: int
) -> None:
    seen, one = picture(height, width, seed), component(rows, columns, parts, 2, seed)
    scored = Scored(one, seen)
    random = np.random.default_rng(seed)
    assert scored.maps
    for level, scores in scored.maps.items():
        corners = [(0, 0), (scores.shape[0] - 1, scores.shape[1] - 1)]
        drawn = (int(random.integers(scores.shape[0])), int(random.integers(scores.shape[1])))
        for row, column in (*corners, drawn):
            expected = plain_score(one, seen, level, row - one.margin, column - one.margin)
            assert float(scores[row, column]) == pytest.approx(expected, abs=1e-3)


@given(
    rows=st.integers(2, 4),
    columns=st.integers(2, 4),
    parts=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_a_score_is_a_product_of_weights_and_vector(
    rows: int, columns: int, parts: int, seed: int
) -> None:
    one = component(rows, columns, parts, 3, seed)
    scored = Scored(one, picture(50, 70, seed))
    places = scored.best(-torch.inf, 10_000)
    torch.testing.assert_close(
        scored.vectors(places) @ one.weights, places.scores, atol=1e-3, rtol=1e-4
    )
    again = one.but(one.weights)
    for name in ("root", "parts", "costs", "bias"):
        ours, theirs = getattr(again, name), getattr(one, name)
        assert ours == theirs if name == "bias" else torch.equal(ours, theirs)


def test_places_by_hand() -> None:
    one = component(2, 3, 0, 1, 0)
    scored = Scored(one, picture(40, 48, 0))  # 5 x 6 cells at scale 1, and a margin of 1
    assert scored.maps[OCTAVE].shape == (5 + 2 - 1, 6 + 2 - 2)
    places = scored.places(OCTAVE, torch.tensor([0, 2]), torch.tensor([0, 3]))
    assert places.boxes.tolist() == [[-8, -8, 16, 8], [16, 8, 40, 24]]


def test_outlines_are_told_from_root_and_parts() -> None:
    one = component(3, 3, 2, 2, 0)
    outline = torch.zeros(4, 5)
    outline[0, 0], outline[2, 0] = 0.25, -0.25  # half as wide
    outline[3, 4] = 0.1  # the lower edge goes with the second part's dy
    scored = Scored(replace(one, outline=outline), picture(48, 48, 0))
    places = scored.best(-torch.inf, 20)
    boxes, side = scored.outlined(places), places.boxes[:, 2] - places.boxes[:, 0]
    torch.testing.assert_close(boxes[:, 0], places.boxes[:, 0] + side / 4)
    torch.testing.assert_close(boxes[:, 2], places.boxes[:, 2] - side / 4)
    for row in range(len(places)):
        alone = places.take(torch.tensor([row]))
        (moves,) = scored.displaced(int(alone.levels), alone.rows, alone.columns)
        lower = alone.boxes[0, 3] + 0.1 * moves[1, 1] * side[row]
        torch.testing.assert_close(boxes[row, 3], lower)


def test_an_outline_that_would_be_turned_over_is_the_root() -> None:
    outline = torch.zeros(4, 1)
    outline[0, 0] = 2.0
    scored = Scored(replace(component(3, 3, 0, 1, 0), outline=outline), picture(48, 48, 0))
    places = scored.best(-torch.inf, 5)
    assert torch.equal(scored.outlined(places), places.boxes)


def test_the_best_come_first_and_only_those_allowed() -> None:
    scored = Scored(component(2, 2, 1, 2, 0), picture(60, 60, 0))
    every = scored.best(-torch.inf, 10_000)
    assert len(every) == sum(scores.numel() for scores in scored.maps.values())
    assert torch.equal(every.scores, every.scores.sort(descending=True).values)
    assert torch.equal(scored.best(-torch.inf, 5).boxes, every.boxes[:5])
    middle = float(every.scores[len(every) // 2])
    assert bool((scored.best(middle, 10_000).scores >= middle).all())
    nowhere = {level: torch.zeros_like(s, dtype=torch.bool) for level, s in scored.maps.items()}
    assert len(scored.best(-torch.inf, 5, nowhere)) == 0


def test_levels_of_a_size() -> None:
    one = component(4, 4, 0, 1, 0)  # 15 to 60 pixels: cells of up to 15
    assert one.levels() == tuple(k for k in range(OCTAVE, LOWEST) if cell_of(k) <= 15)
    assert needed_levels([one]) == set(one.levels())
    assert needed_levels([one], parts=True) == {*one.levels(), *(k - OCTAVE for k in one.levels())}
    tiny = Component(0, torch.zeros(DEPTH, 3, 3), 0.0, (1.0, 2.0))
    huge = Component(0, torch.zeros(DEPTH, 3, 3), 0.0, (1e6, 2e6))
    assert tiny.levels() == (OCTAVE,)
    assert huge.levels() == (LOWEST,)
    assert one.levels(LEARNED) == one.levels()[::2]  # five an octave while learning
    assert tiny.levels(LEARNED) == (OCTAVE,)


def turned_round(seen: Pyramid) -> Pyramid:
    """The features of the mirror image, of a picture that is whole cells wide at every level."""
    levels = {k: one[list(MIRRORED)].flip(2) for k, one in seen.levels.items()}
    return replace(seen, levels=levels)


@given(
    rows=st.integers(2, 4),
    columns=st.integers(2, 4),
    parts=st.integers(0, 3),
    side=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_the_mirror_image_scores_the_mirrored_picture_alike(
    rows: int, columns: int, parts: int, side: int, seed: int
) -> None:
    one = component(rows, columns, parts, side, seed)
    outline = torch.randn(4, 1 + 2 * parts, generator=torch.Generator().manual_seed(seed)) * 0.02
    one = replace(one, outline=outline)
    random = torch.Generator().manual_seed(seed)
    levels = {
        k: torch.rand(31, *size, generator=random).half()
        for k, size in ((OCTAVE, (5, 6)), (0, (10, 12)))
    }
    seen = Pyramid(levels, (40, 48))
    plain, mirror = Scored(one, seen), Scored.both(one, turned_round(seen))[1]
    torch.testing.assert_close(
        mirror.maps[OCTAVE].flip(1), plain.maps[OCTAVE], atol=1e-4, rtol=1e-4
    )
    first, second = (each.best(-torch.inf, 3) for each in (plain, mirror))
    ours, theirs = plain.vectors(first), one.turned(mirror.vectors(second))
    torch.testing.assert_close(ours, theirs)
    boxes = mirror.outlined(second)
    boxes[:, [0, 2]] = 48 - boxes[:, [2, 0]]
    torch.testing.assert_close(boxes, plain.outlined(first), atol=1e-3, rtol=1e-4)
    twice = one.mirrored.mirrored
    for name in ("root", "parts", "costs", "anchors", "outline"):
        assert torch.equal(getattr(twice, name), getattr(one, name))


def test_a_pair_is_read_together_as_each_alone() -> None:
    one, seen = component(3, 4, 2, 3, 0), picture(50, 70, 0)
    for together, part in zip(Scored.both(one, seen), (one, one.mirrored), strict=True):
        alone = Scored(part, seen)
        assert together.maps.keys() == alone.maps.keys()
        for level, scores in alone.maps.items():
            torch.testing.assert_close(together.maps[level], scores, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (5, 300), (20, 20)])
def test_pictures_smaller_than_the_root(size: tuple[int, int]) -> None:
    one = component(6, 6, 2, 4, 0)
    scored = Scored(one, picture(*size, 0))
    places = scored.best(-torch.inf, 10)
    torch.testing.assert_close(
        scored.vectors(places) @ one.weights, places.scores, atol=1e-3, rtol=1e-4
    )
