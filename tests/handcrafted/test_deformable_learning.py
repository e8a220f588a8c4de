"""The latent machine as a whole: crosses found among bars."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.boxes import Objects
from striate.handcrafted.deformable import Component, Scored, needed_levels
from striate.handcrafted.deformable_learning import Scene, Settings, State, rounds
from striate.handcrafted.deformable_solving import Examples
from striate.handcrafted.deformable_start import begun
from striate.handcrafted.pyramid import DEPTH, LEARNED, pyramid
from striate.ops.boxes import overlaps

FEW = Settings(roots=2, parts=2, part_count=2, cells=(9, 16), negatives=200)


def marked(box: list[float]) -> Objects:
    """One thing of class 0."""
    no = np.zeros(1, bool)
    return Objects(np.array([box], np.float32), np.zeros(1, np.int64), no, no)


def scene(pixels: NDArray[np.uint8], objects: Objects, components: list[Component]) -> Scene:
    levels = needed_levels(components, parts=True, every=LEARNED)
    return Scene(pyramid(pixels, levels, every=LEARNED), objects)


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
        out.append((pixels, marked([x, y, x + side, y + side])))
    return out


def learned(components, scenes, settings, seed=0):
    """The components after all rounds, as each phase left them."""
    *_, last = rounds(components, scenes, settings, seed=seed)
    return last.stages


def test_crosses_are_found_among_bars() -> None:
    pictures = crosses(8, 0)
    boxes = torch.from_numpy(np.concatenate([objects.boxes for _, objects in pictures]))
    empty = begun(boxes, 0, cells=FEW.cells)
    scenes = [scene(*one, empty) for one in pictures]
    (root,), (model,) = learned(empty, scenes, FEW, seed=0)
    assert len(root.parts) == 0
    assert root.outline.any()
    assert model.parts.shape[0] == 2
    for pixels, objects in crosses(4, 1):
        best = Scored(model, scene(pixels, objects, [model]).pyramid).best(-9.0, 1)
        assert float(overlaps(best.boxes, torch.from_numpy(objects.boxes))) > 0.5
        assert float(best.scores) > 0


def test_the_same_seed_learns_the_same() -> None:
    pictures = crosses(3, 0)
    boxes = torch.from_numpy(np.concatenate([objects.boxes for _, objects in pictures]))
    empty = begun(boxes, 0, cells=FEW.cells)
    scenes = [scene(*one, empty) for one in pictures]
    first, second = (learned(empty, scenes, FEW, seed=4)[1][0].weights for _ in range(2))
    assert torch.equal(first, second)


def test_learning_goes_on_after_any_round_as_if_it_had_not_stopped() -> None:
    more, pictures = replace(FEW, parts=3), crosses(3, 0)
    boxes = torch.from_numpy(np.concatenate([objects.boxes for _, objects in pictures]))
    empty = begun(boxes, 0, cells=more.cells)
    scenes = [scene(*one, empty) for one in pictures]
    pyramids = [one.pyramid for one in scenes]
    kept = []
    for state in rounds(empty, scenes, more, seed=4):
        pairs = list(zip(state.models, state.examples, strict=True))
        tables = [examples.table(model) for model, examples in pairs]
        for (model, examples), table in zip(pairs, tables, strict=True):
            again = Examples.told(model, table, pyramids)
            assert torch.equal(again.negatives, examples.negatives)
            assert again.keys == examples.keys
        kept.append((state, tables))
    assert [state.done for state, _ in kept] == [1, 0, 1, 2, 0]
    assert [len(state.stages) for state, _ in kept] == [0, 1, 1, 1, 2]
    assert {key[4] for key in kept[3][0].examples[0].keys} == {0, 1}  # in both ways
    assert kept[3][1][0][:, 5:].any()  # some parts have moved
    for number, (state, tables) in enumerate(kept):
        pairs = list(zip(state.models, tables, strict=True))
        read = tuple(Examples.told(model, table, pyramids) for model, table in pairs)
        start = State(state.stages, state.models, read, state.done)
        rest = list(rounds(empty, scenes, more, seed=99, start=start))  # no number is drawn again
        assert len(rest) == len(kept) - number - 1
        for one, other in zip((rest or [start])[-1].stages, kept[-1][0].stages, strict=True):
            assert torch.equal(one[0].weights, other[0].weights)
            assert torch.equal(one[0].outline, other[0].outline)


def test_boxes_that_no_place_covers_leave_a_component_empty() -> None:
    objects = marked([0, 0, 96, 2])
    blank = Component(0, torch.zeros(DEPTH, 3, 3), 0.0, (20.0, 40.0))
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    _, (model,) = learned([blank], [scene(pixels, objects, [blank])], FEW)
    assert not model.root.any()


def arrows(count: int) -> list[tuple[NDArray[np.uint8], Objects]]:
    """Pictures with one wedge each, that points left in every other one."""
    random, out = np.random.default_rng(0), []
    for number in range(count):
        pixels = random.integers(100, 130, (96, 128, 3)).astype(np.uint8)
        x, y = int(random.integers(4, 80)), int(random.integers(4, 50))
        for step in range(20):
            pixels[y + step : y + 40 - step, x + 2 * step : x + 2 * step + 2] = 255
        if number % 2:
            x, pixels = 128 - x - 40, pixels[:, ::-1].copy()
        out.append((pixels, marked([x, y, x + 40, y + 40])))
    return out


def test_what_looks_left_or_right_is_one_component_and_its_mirror_image() -> None:
    pictures = arrows(10)
    boxes = torch.from_numpy(np.concatenate([objects.boxes for _, objects in pictures]))
    empty = begun(boxes, 0, cells=FEW.cells)
    scenes = [scene(*one, empty) for one in pictures]
    for (model,) in learned(empty, scenes, FEW):
        ways = []
        for one, (_, objects) in zip(scenes, pictures, strict=True):
            best = [each.best(-9.0, 1) for each in Scored.both(model, one.pyramid)]
            ways.append(float(best[0].scores) > float(best[1].scores))
            place = best[0] if ways[-1] else best[1]
            assert float(overlaps(place.boxes, torch.from_numpy(objects.boxes))) > 0.5
        assert ways == [ways[0], not ways[0]] * 5
