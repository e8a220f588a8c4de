"""The parts of segmentation: reading, enlarging, tiles, predictions, scores, windows."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate.augment import NONE, Augmentation, Spread
from striate.data import VOID, Masks
from striate.data.batches import Pending
from striate.errors import DataError
from striate.evaluation.segmentation import summary
from striate.models import Normalization
from striate.models.unet import UNet
from striate.tasks.contract import Answered
from striate.tasks.segmentation.enlarging import classes_at
from striate.tasks.segmentation.pictures import scale
from striate.tasks.segmentation.prediction import Answer, areas_of
from striate.tasks.segmentation.problem import SegmentationProblem, balanced
from striate.tasks.segmentation.reading import Reading, even, nearest
from striate.tasks.segmentation.scores import scored
from striate.tasks.segmentation.segmenter import Segmenter
from striate.tasks.segmentation.steps import turned, upright
from striate.tasks.segmentation.task import Segmentation
from striate.tasks.segmentation.tiles import tiles
from striate.training import Recipe

PLAIN = Reading(None, Normalization((127.5,) * 3, (127.5,) * 3))
RECIPE = Recipe(epochs=1, batch_size=2, learning_rate=0.01)


def test_pictures_keep_their_scale_or_come_to_one():
    assert PLAIN.size(30, 70) == (30, 70)
    assert Reading(35, PLAIN.normalization).size(30, 70) == (15, 35)
    assert Reading(100, PLAIN.normalization).size(1, 2000) == (1, 100)
    assert Reading.from_json(Reading(35, PLAIN.normalization).to_json()).side == 35
    with pytest.raises(ValueError, match="pictures of 3 pixels"):
        Reading.from_json({"side": 3})


def test_evened_pictures_do_not_depend_on_light():
    random = np.random.default_rng(0)
    pixels = random.integers(40, 80, (20, 30, 3), dtype=np.uint8)
    found = even(pixels)
    assert found.mean((0, 1)) == pytest.approx([96] * 3, abs=0.5)
    assert found.std((0, 1)) == pytest.approx([24] * 3, abs=0.5)
    brighter = (2 * pixels.astype(int) + [10, 50, 90]).astype(np.uint8)  # all below 256
    assert np.abs(even(brighter).astype(int) - found).max() <= 1
    assert (even(np.full((1, 1, 3), 200, np.uint8)) == 96).all()
    reading = replace(PLAIN, evened=True)
    assert (reading.scaled(pixels) == found).all()
    assert Reading.from_json(reading.to_json()) == reading
    old = {key: value for key, value in PLAIN.to_json().items() if key != "evened"}
    assert Reading.from_json(old) == PLAIN
    with pytest.raises(ValueError, match="evens pictures"):
        Reading.from_json({**old, "evened": 1})


def test_evening_a_large_picture_takes_no_more_than_its_copy(monkeypatch):
    monkeypatch.setattr("striate.tasks.segmentation.reading.STRIP", 5000)
    part = np.random.default_rng(0).integers(0, 256, (20, 250, 3), dtype=np.uint8)
    tall = np.tile(part, (50, 1, 1))
    tracemalloc.start()
    found = even(tall)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * tall.nbytes
    assert (found == np.tile(even(part), (50, 1, 1))).all()


def test_masks_tell_up_from_down(data):
    assert not upright(scale(data, PLAIN))  # squares lie anywhere
    sky = [np.repeat(np.array([0, 1], np.uint8), 16)[:, None].repeat(32, 1) for _ in range(12)]
    street = replace(data, targets=Masks.of(("sky", "road"), sky))
    assert upright(scale(street, PLAIN))
    assert turned(RECIPE).augmentation.geometry.rotation == 180


def test_labels_are_scaled_without_mixing():
    labels = np.array([[0, 9], [5, 7]], np.uint8)
    assert nearest(labels, 4, 2).tolist() == [[0, 9], [0, 9], [5, 7], [5, 7]]


@pytest.mark.parametrize("size", [(7, 9), (40, 31), (3, 200)])
def test_strips_are_enlarged_as_the_whole(size, monkeypatch):
    monkeypatch.setattr("striate.tasks.segmentation.enlarging.STRIP", 100)
    scores = torch.randn(4, 10, 12, generator=torch.Generator().manual_seed(0))
    whole = F.interpolate(scores[None], size, mode="bilinear")[0].argmax(0)
    assert (classes_at(scores, *size) == whole.numpy()).mean() > 0.999


def test_tiles_cover_each_pixel_once():
    seen = np.zeros((70, 93), int)
    for tile in tiles(70, 93, margin=5, multiple=8, tile=40):
        top, bottom, left, right = tile.kept
        seen[top:bottom, left:right] += 1
        assert tile.read[0] % 8 == tile.read[2] % 8 == 0
        assert bottom - top <= 40
    assert (seen == 1).all()
    assert len(list(tiles(40, 40, margin=5, multiple=8, tile=40))) == 1


def test_a_tiled_answer_is_that_of_one_pass(monkeypatch):
    torch.manual_seed(0)
    architecture = {"network": "unet", "width": 2, "depth": 2}
    segmenter = Segmenter(UNet(3, width=2, depth=2), architecture, PLAIN, 3)
    pixels = np.random.default_rng(0).integers(0, 256, (150, 131, 3), dtype=np.uint8)
    (whole,) = segmenter.predict([segmenter.prepare(pixels)])
    monkeypatch.setattr("striate.tasks.segmentation.segmenter.TILE", 100)
    monkeypatch.setattr(
        "striate.tasks.segmentation.segmenter.tiles",
        lambda *size, **about: tiles(*size, **about, tile=100),
    )
    (tiled,) = segmenter.predict([segmenter.prepare(pixels)])
    assert (tiled.labels == whole.labels).mean() > 0.9999


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (37, 5)])
def test_any_picture_gets_a_map_of_its_size(shape):
    segmenter = Segmenter(UNet(2, width=2), {}, Reading(64, PLAIN.normalization), 2)
    pixels = np.zeros((*shape, 3), np.uint8)
    (answer,) = segmenter.predict([segmenter.prepare(pixels)])
    assert answer.labels.shape == shape


def test_areas_are_told_the_largest_first():
    labels = np.array([[1, 1, 1, 0]], np.uint8)
    assert [(each.label, each.share) for each in areas_of(labels, ("a", "b", "c"))] == [
        ("b", 0.75), ("a", 0.25),
    ]  # fmt: skip
    said = Segmentation().predicted("x.png", Answer(labels), ("a", "b", "c"))
    assert said.line(None) == "b 75.0 %, a 25.0 %"
    assert said.to_json(top=1) == {
        "path": "x.png", "width": 4, "height": 1,
        "areas": [{"label": "b", "pixels": 3, "share": 0.75}],
    }  # fmt: skip


def answered(data, maps):
    return Answered(tuple(range(len(maps))), [Answer(each) for each in maps], 0.1)


def test_the_masks_themselves_score_1(data):
    maps = [each.read() for each in data.targets.maps]
    scores = scored(answered(data, maps), data, data.classes)
    assert scores.value == scores.metrics["pixel_accuracy"] == scores.metrics["boundary_f"] == 1
    assert scores.interval == (1, 1)
    assert scores.confusion.sum() == 12 * 31 * 32  # without the row of void
    assert scores.to_json()["classes"][1] == {"name": "square", "pixels": 1200, "iou": 1.0}


def test_classes_are_compared_by_name(data):
    maps = [np.where(each.read() == 1, 0, 2).astype(np.uint8) for each in data.targets.maps]
    scores = scored(answered(data, maps), data, ("square", "sea", "ground"))
    assert scores.value == 1
    maps = [np.ones((32, 32), np.uint8) for _ in data.targets.maps]
    scores = scored(answered(data, maps), data, ("square", "sea"))
    assert scores.value == 0
    assert scores.unknown == ("ground",)
    assert "never found: ground" in list(scores.lines())[-1]
    with pytest.raises(DataError, match="has none of the classes sea"):
        scored(answered(data, maps), data, ("sea",))


def test_all_foreground_by_pencil(data):
    maps = [np.ones((32, 32), np.uint8) for _ in data.targets.maps]
    scores = scored(answered(data, maps), data, data.classes)
    assert scores.metrics["iou square"] == pytest.approx(100 / (31 * 32))
    assert scores.value == pytest.approx(50 / (31 * 32))


def test_windows_show_a_picture_and_its_mask(data):
    problem = SegmentationProblem(PLAIN, 16)
    scaled = problem.prepare(data)
    assert problem.size(scaled) == (16, 16)
    batch = next(problem.batches(scaled, RECIPE, seed=3, start=0))
    assert batch.images.shape == (2, 3, 16, 16)
    bright = batch.images.mean(1) > 0
    known = batch.labels != VOID
    assert ((batch.labels == 1) == bright)[known].float().mean() > 0.95
    again = next(problem.batches(scaled, RECIPE, seed=3, start=0))
    assert torch.equal(again.labels, batch.labels)
    assert [len(part) for part in batch.parts(2)] == [1, 1]


def test_void_is_not_learned(data):
    problem = SegmentationProblem(PLAIN, 32)
    scaled = problem.prepare(data)
    views = RECIPE.but(augmentation=Augmentation(Spread(shift=0.3)))
    batch = next(problem.batches(scaled, views, seed=0, start=0))
    model = nn.Conv2d(3, 2, 1)
    loss = problem.losses(model, batch, RECIPE)["cross_entropy"]
    images = batch.images.clone()
    images.masked_fill_((batch.labels == VOID)[:, None], 50.0)
    filled = replace(batch, pending=Pending.of(images))
    other = problem.losses(model, filled, RECIPE)["cross_entropy"]
    assert torch.equal(loss, other)
    empty = replace(batch, labels=torch.full_like(batch.labels, VOID))
    assert float(problem.losses(model, empty, RECIPE)["cross_entropy"].detach()) == 0


def test_rare_classes_count_more(data):
    weights = balanced(data, 1.0)
    shares = data.targets.areas[data.split == 0, :-1].sum(0) / (8 * 31 * 32)
    assert weights[1] / weights[0] == pytest.approx(shares[0] / shares[1])
    assert float((weights * torch.from_numpy(shares)).sum()) == pytest.approx(1)
    assert balanced(data, 0.0).tolist() == [1, 1]
    assert balanced(data).tolist() == [1, 1]  # of two, neither


def test_validation_is_counted_over_all_pictures(data):
    problem = SegmentationProblem(PLAIN, 32)

    class Bright(nn.Module):
        def forward(self, images):
            return torch.stack([-images.mean(1), images.mean(1)], 1)

    assert problem.evaluate(Bright(), problem.prepare(data))["miou"] == 1
    assert summary(np.array([[2, 1, 0], [0, 1, 0]]))["miou"] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_pictures_that_cannot_be_read_are_set_aside(data, monkeypatch):
    from striate.errors import ImageError

    def broken(inputs, row):
        if row == 1:
            raise ImageError("empty file")
        return inputs[row]

    monkeypatch.setattr("striate.tasks.segmentation.pictures.whole", broken)
    scaled = scale(data, PLAIN)
    assert scaled.dataset.left_out[-1].reason == "empty file"
    assert 1 not in scaled.rows(0)
    assert Augmentation() == NONE
