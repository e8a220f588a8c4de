"""Learning from kept maps is learning above a frozen trunk."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.augment import Augmentation, Spread
from striate.data import Array, Dataset, Labels, decode
from striate.inference import Preprocessing
from striate.models import Normalization, above, create, cut
from striate.tasks.classification.problem import ClassificationProblem, split
from striate.tasks.pictures.problem import natural_view
from striate.tasks.pictures.upper_layers import UpperLayers
from striate.training import Recipe, fit

CLASSES = ("a", "b", "c")
RECIPE = Recipe(epochs=3, batch_size=8, learning_rate=0.02)


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    targets = np.arange(48) % 3
    pixels = rng.integers(0, 120, (48, 28, 28), dtype=np.uint8)
    pixels[np.arange(48), 6 + 6 * targets] += 90
    parts = np.repeat(np.array([0, 1, 2], dtype=np.int8), [30, 12, 6])
    return Dataset("stripes", Array(pixels), Labels(CLASSES, targets.astype(np.int64)), parts)


def halves(
    dataset: Dataset, views: int, augmentation: Augmentation
) -> tuple[nn.Module, UpperLayers]:
    torch.manual_seed(0)
    model = create("lenet5", classes=3)
    preprocessing = Preprocessing(natural_view(dataset), Normalization((60.0,), (40.0,)))
    task = UpperLayers(
        ClassificationProblem(CLASSES, preprocessing=preprocessing),
        cut(model, "s2"),
        views=views,
        augmentation=augmentation,
    )
    return model, task


def test_one_view_is_the_frozen_network_itself(dataset: Dataset) -> None:
    """The same steps as those of the whole network whose lower layers do not learn."""
    model, task = halves(dataset, 1, Augmentation())
    recipe = RECIPE.but(epochs=1)
    fit(above(model, "s2"), task, dataset, recipe)
    torch.manual_seed(0)
    whole = create("lenet5", classes=3)
    cut(whole, "s2").requires_grad_(False)
    fit(whole, ClassificationProblem(CLASSES, preprocessing=task.preprocessing), dataset, recipe)
    # maps are kept in half precision: 2^-11 of their size
    for mine, expected in zip(model.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine, expected, atol=2e-3, rtol=2e-3)


def test_epochs_take_the_views_in_turn(dataset: Dataset) -> None:
    spread = Augmentation(Spread(shift=0.3))
    model, task = halves(dataset, 2, spread)
    data = task.prepare(dataset)
    batches = task.batches(data, RECIPE, seed=3, start=0)
    epochs = [[next(batches) for _ in range(4)] for _ in range(3)]
    maps = []
    for epoch in epochs:
        order = torch.cat([batch.indices for batch in epoch]).argsort()
        maps.append(torch.cat([batch.images for batch in epoch])[order])
        targets = torch.cat([batch.targets for batch in epoch])[order]
        assert targets.tolist() == dataset.targets.numbers[:30].tolist()
    assert torch.equal(maps[0], maps[2])
    assert not torch.equal(maps[0], maps[1])
    pixels, _ = split(data, task.preprocessing.view, "train")
    with torch.no_grad():
        plain = cut(model, "s2")(task.preprocessing.tensor(pixels.copy()))
    torch.testing.assert_close(maps[0], plain, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("start", [1, 4, 6])
def test_a_run_goes_on_in_the_middle(start: int, dataset: Dataset) -> None:
    _, task = halves(dataset, 2, Augmentation(Spread(shift=0.1)))
    data = task.prepare(dataset)
    whole = task.batches(data, RECIPE, seed=3, start=0)
    for _ in range(start):
        next(whole)
    rest = task.batches(data, RECIPE, seed=3, start=start)
    for _ in range(6):
        one, other = next(whole), next(rest)
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.indices, other.indices)


def test_validation_is_that_of_the_whole_network(dataset: Dataset) -> None:
    model, task = halves(dataset, 1, Augmentation())
    data = decode(dataset, [task.preprocessing.view])
    mine = task.evaluate(above(model, "s2"), data)
    whole = ClassificationProblem(CLASSES, preprocessing=task.preprocessing).evaluate(model, data)
    assert mine["top1"] == whole["top1"]
    assert mine["validation_loss"] == pytest.approx(whole["validation_loss"], abs=1e-3)


def test_identity_says_how_many_views(dataset: Dataset) -> None:
    _, task = halves(dataset, 2, Augmentation())
    assert task.identity(task.prepare(dataset))["views"] == 2
