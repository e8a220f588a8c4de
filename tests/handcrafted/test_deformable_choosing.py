"""Overlaps, positives and hard negatives, by hand."""

import numpy as np
import pytest
import torch

from striate.data.boxes import Objects
from striate.handcrafted.deformable import Component, Places, Scored, needed_levels
from striate.handcrafted.deformable_choosing import (
    agreement,
    agreements,
    negatives,
    offsets,
    positives,
)
from striate.handcrafted.pyramid import DEPTH, OCTAVE, pyramid
from striate.ops.boxes import clipped, overlaps


def marked(boxes: list[list[float]], **flags: list[int]) -> Objects:
    """Objects of class 0 unless told."""
    count = len(boxes)
    return Objects(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(flags.get("classes", [0] * count), np.int64),
        np.array(flags.get("difficult", [0] * count), bool),
        np.array(flags.get("crowd", [0] * count), bool),
    )


def blank(rows: int = 3, columns: int = 3) -> Component:
    return Component(0, torch.zeros(DEPTH, rows, columns), 0.0, (20.0, 40.0))


def seen_blank(one: Component | None = None) -> Scored:
    one = one or blank()
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return Scored(one, pyramid(pixels, needed_levels([one])))


def chosen(seen: list[Scored], objects: Objects, near: float, by_overlap: bool) -> list[Places]:
    shared = [agreements(one, objects) for one in seen]
    return [found for _, found in positives(seen, shared, objects, near, by_overlap)]


def test_overlaps_of_a_level_are_those_of_the_boxes() -> None:
    one = Component(0, torch.zeros(DEPTH, 3, 4), 0.0, (10.0, 60.0))
    pixels = np.zeros((50, 70, 3), np.uint8)
    seen = Scored(one, pyramid(pixels, needed_levels([one])))
    boxes = torch.tensor([[3.0, 5.0, 40.0, 44.0], [60.0, 0.0, 70.0, 50.0]])
    for level, scores in seen.maps.items():
        rows, columns = torch.ones_like(scores).nonzero(as_tuple=True)
        roots = clipped(seen.places(level, rows, columns).boxes, (50, 70))
        expected = overlaps(boxes, roots).reshape(2, *scores.shape)
        torch.testing.assert_close(agreement(seen, level, boxes), expected)


def test_a_positive_is_the_best_of_the_places_near_its_box() -> None:
    objects = marked([[16, 16, 40, 40]])
    seen = seen_blank()
    seen.maps[OCTAVE][3, 3] = 1.0  # the root at (2, 2) cells, for it begins one cell outside
    seen.maps[OCTAVE][0, 0] = 9.0  # the best of all, and far away
    (found,) = chosen([seen], objects, 0.7, False)
    assert found.boxes.tolist() == [[16, 16, 40, 40]]
    (exact,) = chosen([seen_blank()], objects, 0.7, True)
    assert exact.boxes.tolist() == [[16, 16, 40, 40]]


@pytest.mark.parametrize(
    "objects",
    [
        marked([]),
        marked([[16, 16, 40, 40]], difficult=[1]),
        marked([[16, 16, 40, 40]], crowd=[1]),
        marked([[16, 16, 40, 40]], classes=[1]),
        marked([[0, 40, 96, 44]]),  # no root is half of that
    ],
)
def test_what_is_no_positive(objects: Objects) -> None:
    (found,) = chosen([seen_blank()], objects, 0.7, False)
    assert len(found) == 0


def test_the_better_component_takes_the_box() -> None:
    objects = marked([[16, 16, 40, 40]])
    first, second = seen_blank(), seen_blank(blank(3, 4))
    for scores in second.maps.values():
        scores += 1.0
    found = chosen([first, second], objects, 0.6, False)
    assert [len(each) for each in found] == [0, 1]


@pytest.mark.parametrize("flag", ["difficult", "crowd", "nothing"])
def test_the_background_keeps_away_from_every_box_of_the_class(flag: str) -> None:
    objects = marked([[10, 10, 60, 60]], **{flag: [1]})
    seen = seen_blank()
    hard = negatives(seen, agreements(seen, objects), far=0.3, least=-1.0, most=50)
    assert len(hard) > 0
    boxes = clipped(hard.boxes, (96, 96))
    shared = overlaps(boxes, torch.tensor([[10.0, 10.0, 60.0, 60.0]]))
    assert float(shared.max()) < 0.3
    among = overlaps(boxes, boxes).fill_diagonal_(0)
    assert float(among.max()) <= 0.7


def test_another_class_is_background() -> None:
    objects = marked([[16, 16, 40, 40]], classes=[1])
    seen = seen_blank()
    seen.maps[OCTAVE][3, 3] = 1.0
    hard = negatives(seen, agreements(seen, objects), far=0.3, least=-1.0, most=9)
    assert hard.boxes[0].tolist() == [16, 16, 40, 40]


def test_offsets_by_hand() -> None:
    root = torch.tensor([[10.0, 10.0, 30.0, 50.0]]).repeat(2, 1)
    boxes = torch.tensor([[14.0, 6.0, 34.0, 60.0], [1.0, 6.0, 34.0, 60.0]])
    told = offsets(root, boxes, (90, 90))
    torch.testing.assert_close(told[0], torch.tensor([0.2, -0.1, 0.2, 0.25]))
    assert bool(told[1].isnan().all())
