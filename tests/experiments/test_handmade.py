"""The experiments on features that people designed, at minuscule size."""

from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data import Array, Dataset, Labels
from striate.data.splits import TRAIN
from striate.experiments import Row, few_images, handmade_filters, kernels, visual_words
from striate.experiments.few_images import Split, beside
from striate.experiments.handmade_filters import alike, tiles
from striate.experiments.visual_words import SETS, Form, described
from striate.handcrafted import BagOfVisualWords, Settings
from striate.handcrafted.gradients import compass_masks

PATCHES = Settings(side=24, step=6, bin_sizes=(3,))


def stripes(name: str = "stripes") -> Dataset[Labels]:
    """Thirty pictures (24, 24) of stripes that lie or stand, under noise."""
    random = np.random.default_rng(0)
    targets = np.arange(30) % 2
    lines = np.where(np.arange(24) // 3 % 2, 200.0, 50.0)
    pixels = np.stack([
        np.broadcast_to(lines[:, None] if target else lines, (24, 24)) for target in targets
    ]) + random.normal(0, 15, (30, 24, 24))  # fmt: skip
    return Dataset(
        name, Array(pixels.clip(0, 255).astype(np.uint8)), Labels(("stand", "lie"), targets),
        np.full(30, TRAIN, np.int8),
    ).complete(0)  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripes stand for both sets, and eight words are many."""
    monkeypatch.setattr(visual_words, "opened", lambda name, *, seed: stripes(name))
    monkeypatch.setattr(visual_words, "PATCHES", dict.fromkeys(SETS, (PATCHES, PATCHES)))
    monkeypatch.setattr(visual_words, "COSTS", (1.0, 10.0))
    few = Form(words=8)
    monkeypatch.setattr(visual_words, "QUESTIONS", [("8 words", few, Form(words=4), "better")])
    monkeypatch.setattr(kernels, "SUMMED", few)
    monkeypatch.setattr(
        kernels, "TRIALS",
        [(few, kernel) for kernel in kernels.KERNELS]
        + [(kernels.LARGEST, "linear"), (kernels.LARGEST, "intersection")],
    )  # fmt: skip
    monkeypatch.setattr(visual_words.Described, "words", words)


def words(data: visual_words.Described, count: int, seed: int) -> torch.Tensor:
    """Any patches as words, enough for the largest form."""
    del seed
    return data.local.descriptors.flatten(0, 1)[: max(count, 8)].repeat(32, 1)[:256][:count]


def test_histograms_are_those_of_the_bag() -> None:
    data = described(stripes(), PATCHES)
    form = Form(words=6, neighbors=2, pooling="max", levels=((1, 1), (2, 2)))
    dictionary = data.words(6, seed=0)
    settings = Settings(24, 6, (3,), words=6, neighbors=2, levels=form.levels)
    model = BagOfVisualWords(classes=1, settings=settings)
    model.dictionary = dictionary
    pixels = torch.from_numpy(np.stack([data.dataset.inputs[row] for row in range(30)]))
    expected = model.pooled(pixels[..., :1].permute(0, 3, 1, 2).float())
    expected = expected / expected.sum(1, keepdim=True)
    torch.testing.assert_close(data.histograms(form, dictionary), expected)


def test_questions_about_words(small: None) -> None:
    found = visual_words.run(quick=True, seed=0)
    assert [row.what for row in found.rows] == [f"{name}: 8 words" for name in SETS]
    assert len(found.panels) == 3


def test_kernels_are_set_beside_each_other(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "LARGEST", kernels.SUMMED)
    form = kernels.SUMMED
    monkeypatch.setattr(kernels, "TRIALS", [(form, kernel) for kernel in kernels.KERNELS])
    found = kernels.run(quick=True, seed=0)
    assert len(found.rows) == 2 * 5
    assert all(" against " in row.ours for row in found.rows[:4])
    assert found.rows[4].verdict == "different"  # as many points


def test_few_images_are_drawn_from_each_class() -> None:
    split = Split.of(stripes().at_most(30, 0))
    rows = split.some(3, np.random.default_rng(0))
    assert sorted(split.targets[rows].tolist()) == [0, 0, 0, 1, 1, 1]
    assert set(rows.tolist()) <= set(split.rows["train"].tolist())
    features = torch.nn.functional.one_hot(split.targets).float()
    found = split.scores(features, (1, 2), draws=2, seed=0, what="test")
    assert found.tolist() == [[1, 1], [1, 1]]


def test_how_many_images_are_enough() -> None:
    words = np.array([[0.2, 0.2], [0.4, 0.4], [0.6, 0.6]])
    kept = np.array([[0.3, 0.3], [0.7, 0.7], [0.9, 0.9]])
    first, second, *others = beside((1, 6, 50), kept, words, 100).rows
    assert first.ours == "6; the words reach 60.0 ± 0.0 % with 50"
    assert first.verdict == second.verdict == "same"
    assert len(others) == 3
    late, behind, *_ = beside((1, 6, 50), kept - 0.2, words, 100).rows
    assert late.ours.startswith("50; ")
    assert late.verdict == "different"
    assert behind.ours == "2 of 3"
    never, *_ = beside((1, 6, 50), words / 2, words, 100).rows
    assert never.ours.startswith("more than 50; ")


def test_few_images_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_images, "opened", lambda name, *, seed: stripes(name))
    monkeypatch.setattr(few_images, "FEWER", Settings(24, 6, (3,), words=8))
    monkeypatch.setattr(
        few_images, "transferred", lambda data, view: torch.eye(len(data.dataset))
    )  # what tells nothing
    found = few_images.run(quick=True, seed=0)
    assert found.rows[1].verdict == "different"
    assert found.rows[1].why == "see the curves"


def test_learned_filters_are_compared_with_the_compass() -> None:
    masks = compass_masks()[:, None].expand(8, 3, 3, 3)
    assert handmade_filters.first(masks, 0).verdict == "same"
    random = torch.randn(64, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    row = handmade_filters.first(random, 0)
    assert row.verdict == "different"
    torch.testing.assert_close(alike(-masks), torch.ones(8))
    assert tiles(masks[:7], across=3).shape == (12, 12, 3)


def test_a_photograph_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handmade_filters, "WIDTH", 96)
    monkeypatch.setattr(handmade_filters, "filters", lambda model, layer: np.ones((4, 3, 3, 3)))
    monkeypatch.setattr(handmade_filters.striate, "create", lambda name, weights: None)
    monkeypatch.setattr(handmade_filters, "first", lambda some, seed: Row("", "", "", "same"))
    found = handmade_filters.run(quick=True, seed=0)
    rows = {row.what: row.ours for row in found.rows}
    assert rows["HOG of a window of 64 x 128 pixels: numbers"] == "3,780"
    assert rows["Robinson's masks, each the last one turned by 45°"] == "8"
    assert len(found.panels) == 7
