"""The latent machine: overlaps and choices by hand, its optimum, and crosses found among bars."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.boxes import Objects
from striate.handcrafted.deformable import Component, Places, Scored, needed_levels
from striate.handcrafted.deformable_learning import (
    LEAST_COST,
    Examples,
    Scene,
    Settings,
    agreement,
    agreements,
    begun,
    learned,
    negatives,
    offsets,
    outlined,
    positives,
    solved,
    thinned,
    with_parts,
)
from striate.handcrafted.pyramid import DEPTH, OCTAVE, pyramid
from striate.ops.boxes import clipped, overlaps

FEW = Settings(roots=2, parts=2, part_count=2, cells=(9, 16), negatives=200)


def marked(boxes: list[list[float]], **flags: list[int]) -> Objects:
    """Objects of class 0 unless told."""
    count = len(boxes)
    return Objects(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(flags.get("classes", [0] * count), np.int64),
        np.array(flags.get("difficult", [0] * count), bool),
        np.array(flags.get("crowd", [0] * count), bool),
    )


def scene(pixels: NDArray[np.uint8], objects: Objects, components: list[Component]) -> Scene:
    return Scene(pyramid(pixels, needed_levels(components, parts=True)), objects)


def crosses(count: int, seed: int) -> list[tuple[NDArray[np.uint8], Objects]]:
    """Pictures with one cross each, which is what is marked, and bars, which are not."""
    random, out = np.random.default_rng(seed), []
    for _ in range(count):
        pixels = random.integers(100, 130, (96, 128, 3)).astype(np.uint8)
        x, y = int(random.integers(4, 30)), int(random.integers(4, 50))
        side = int(random.integers(36, 42))
        middle = side // 2
        pixels[y + middle - 3 : y + middle + 3, x : x + side] = 255
        pixels[y : y + side, x + middle - 3 : x + middle + 3] = 255
        pixels[20:26, 80:120] = 255
        pixels[50:90, 100:106] = 255
        out.append((pixels, marked([[x, y, x + side, y + side]])))
    return out


def test_roots_have_the_shape_and_size_of_their_boxes() -> None:
    square = torch.tensor([[0.0, 0.0, 40.0, 40.0]]).repeat(50, 1)
    (one,) = begun(square, 2, Settings())
    assert (one.kind, one.shape) == (2, (5, 5))  # cells of 8 pixels
    assert one.levels[0] == OCTAVE
    (large,) = begun(square * 10, 0, Settings(cells=(16, 64)))
    assert large.shape == (8, 8)
    assert all(300 < 8 * 8 * 2 ** (level / 5) / 2 < 500 for level in large.levels)


def test_two_shapes_are_two_components() -> None:
    tall = torch.tensor([[0.0, 0.0, 30.0, 90.0]]).repeat(30, 1)
    components = begun(torch.cat([tall, tall[:, [1, 0, 3, 2]]]), 0, Settings())
    shapes = sorted(one.shape for one in components)
    assert [rows > columns for rows, columns in shapes] == [False, True]
    assert len(begun(torch.cat([tall[:9], tall[:9, [1, 0, 3, 2]]]), 0, Settings())) == 1
    (thin,) = begun(torch.tensor([[0.0, 0.0, 2.0, 900.0]]).repeat(9, 1), 0, Settings())
    assert thin.shape == (16, 3)


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


def blank(rows: int = 3, columns: int = 3) -> Component:
    return Component(0, torch.zeros(DEPTH, rows, columns), 0.0, (20.0, 40.0))


def chosen(seen: list[Scored], objects: Objects, near: float, by_overlap: bool) -> list[Places]:
    shared = [agreements(one, objects) for one in seen]
    return [found for _, found in positives(seen, shared, objects, near, by_overlap)]


def seen_blank(objects: Objects, one: Component | None = None) -> Scored:
    one = one or blank()
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return Scored(one, scene(pixels, objects, [one]).pyramid)


def test_a_positive_is_the_best_of_the_places_near_its_box() -> None:
    objects = marked([[16, 16, 40, 40]])
    seen = seen_blank(objects)
    seen.maps[OCTAVE][3, 3] = 1.0  # the root at (2, 2) cells, for it begins one cell outside
    seen.maps[OCTAVE][0, 0] = 9.0  # the best of all, and far away
    (found,) = chosen([seen], objects, 0.7, False)
    assert found.boxes.tolist() == [[16, 16, 40, 40]]
    (exact,) = chosen([seen_blank(objects)], objects, 0.7, True)
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
    (found,) = chosen([seen_blank(objects)], objects, 0.7, False)
    assert len(found) == 0


def test_the_better_component_takes_the_box() -> None:
    objects = marked([[16, 16, 40, 40]])
    first, second = seen_blank(objects), seen_blank(objects, blank(3, 4))
    for scores in second.maps.values():
        scores += 1.0
    found = chosen([first, second], objects, 0.6, False)
    assert [len(each) for each in found] == [0, 1]


@pytest.mark.parametrize("flag", ["difficult", "crowd", "nothing"])
def test_the_background_keeps_away_from_every_box_of_the_class(flag: str) -> None:
    objects = marked([[10, 10, 60, 60]], **{flag: [1]})
    settings = Settings(far=0.3, negatives_an_image=50)
    seen = seen_blank(objects)
    hard = negatives(seen, agreements(seen, objects), settings, -1.0)
    assert len(hard) > 0
    boxes = clipped(hard.boxes, (96, 96))
    shared = overlaps(boxes, torch.tensor([[10.0, 10.0, 60.0, 60.0]]))
    assert float(shared.max()) < 0.3
    among = overlaps(boxes, boxes).fill_diagonal_(0)
    assert float(among.max()) <= 0.7


def test_another_class_is_background() -> None:
    objects = marked([[16, 16, 40, 40]], classes=[1])
    seen = seen_blank(objects)
    seen.maps[OCTAVE][3, 3] = 1.0
    hard = negatives(seen, agreements(seen, objects), Settings(), -1.0)
    assert hard.boxes[0].tolist() == [16, 16, 40, 40]


def vectors(count: int, one: Component, shift: float) -> Tensor:
    values = torch.randn(count, len(one.weights)) * 0.3 + shift
    values[:, -1] = 1.0
    return values


def test_the_machine_is_at_its_optimum() -> None:
    one = with_parts(replace(blank(), root=torch.randn(DEPTH, 3, 3)), FEW)
    examples = Examples(vectors(30, one, 0.01), torch.zeros(30, 4), vectors(60, one, -0.01))
    best = solved(one, examples, 0.5)

    def objective(weights: Tensor) -> Tensor:
        signs = torch.tensor([1.0] * 30 + [-1.0] * 60)
        every = torch.cat([examples.positives, examples.negatives]).double()
        slack = (1 - signs * (every @ weights)).clamp(min=0)
        scales = one.but(torch.ones(len(weights)))
        factors = replace(scales, costs=scales.costs * 0.1, bias=10.0).weights
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
    one = with_parts(replace(blank(), root=torch.randn(DEPTH, 3, 3)), FEW)
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
        rows[:0], torch.zeros(0, 4), rows, keys=[(0, 0, 0, row) for row in range(5)]
    )
    thinned(one.but(weights), examples, 2)
    assert examples.negatives[:, -1].tolist() == [3.0, 2.0]
    assert [key[3] for key in examples.keys] == [0, 2]


def test_outlines_are_least_squares() -> None:
    one = with_parts(replace(blank(), root=torch.randn(DEPTH, 3, 3)), FEW)
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


def test_offsets_by_hand() -> None:
    root = torch.tensor([[10.0, 10.0, 30.0, 50.0]]).repeat(2, 1)
    boxes = torch.tensor([[14.0, 6.0, 34.0, 60.0], [1.0, 6.0, 34.0, 60.0]])
    told = offsets(root, boxes, (90, 90))
    torch.testing.assert_close(told[0], torch.tensor([0.2, -0.1, 0.2, 0.25]))
    assert bool(told[1].isnan().all())


def test_parts_lie_where_the_root_is_strong() -> None:
    root = torch.zeros(DEPTH, 4, 6)
    root[3, 0, 0] = 2.0
    root[5, 3, 5] = 3.0
    root[7, 2, 2] = -9.0  # strong, but against
    one = with_parts(replace(blank(), root=root), replace(FEW, covered=0.1))
    assert one.parts.shape == (2, DEPTH, 2, 2)
    assert one.anchors.tolist() == [[10, 6], [0, 0]]
    assert float(one.parts[0, 5].max()) > 0
    assert float(one.parts[1, 3].max()) > 0


def test_crosses_are_found_among_bars() -> None:
    pictures = crosses(8, 0)
    boxes = torch.from_numpy(np.concatenate([objects.boxes for _, objects in pictures]))
    empty = begun(boxes, 0, FEW)
    scenes = [scene(*one, empty) for one in pictures]
    (model,) = learned(empty, scenes, FEW, seed=0)
    assert model.parts.shape[0] == 2
    for pixels, objects in crosses(4, 1):
        best = Scored(model, scene(pixels, objects, [model]).pyramid).best(-9.0, 1)
        assert float(overlaps(best.boxes, torch.from_numpy(objects.boxes))) > 0.5
        assert float(best.scores) > 0


def test_the_same_seed_learns_the_same() -> None:
    pictures = crosses(3, 0)
    boxes = torch.from_numpy(np.concatenate([objects.boxes for _, objects in pictures]))
    empty = begun(boxes, 0, FEW)
    scenes = [scene(*one, empty) for one in pictures]
    first, second = (learned(empty, scenes, FEW, seed=4)[0].weights for _ in range(2))
    assert torch.equal(first, second)


def test_boxes_that_no_place_covers_leave_a_component_empty() -> None:
    objects = marked([[0, 0, 96, 2]])
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    (model,) = learned([blank()], [scene(pixels, objects, [blank()])], FEW)
    assert not model.root.any()
