"""Recipes as values."""

import json
import math
from dataclasses import FrozenInstanceError

import pytest
import torch

from striate.augment import Augmentation, Crops, PrincipalColors, Spread
from striate.errors import UnknownName
from striate.models import NETWORKS
from striate.training import Recipe, recipes
from striate.training.optimizers import rate_factor

NAMED = {name: value for name, value in vars(recipes).items() if isinstance(value, Recipe)}
FULL = Recipe(
    2, 3, 0.5, "adamw", 0.8, False, 0.1, "steps", 0.25, ((0.5, 0.2), (0.75, 0.1)), 0.1, True,
    0.05, 0.5, 2.0,
    0.99, True, 4,
    Augmentation(Spread(mirror=0.5, rotation=1), brightness=0.1),
    2, "bfloat16", "measured", 1, "all", True,
)  # fmt: skip


@pytest.mark.parametrize("recipe", [*NAMED.values(), FULL], ids=[*NAMED, "every value set"])
def test_it_comes_back_equal_from_json(recipe: Recipe) -> None:
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_but_changes_what_is_named_alone() -> None:
    other = FULL.but(epochs=9)
    assert (other.epochs, other.but(epochs=2)) == (9, FULL)
    assert FULL.epochs == 2
    with pytest.raises(TypeError, match="epoch"):
        FULL.but(epoch=1)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.epochs = 1  # type: ignore[misc]


def test_characters_are_never_mirrored() -> None:
    assert recipes.CHARACTERS.geometry.mirror == 0
    assert recipes.SCRATCH_SMALL.augmentation == recipes.CHARACTERS


def test_every_recipe_can_be_named() -> None:
    assert {id(recipe) for recipe in NAMED.values()} == {id(r) for r in recipes.RECIPES.values()}
    assert {name.upper() for name in recipes.RECIPES} == set(NAMED)
    assert recipes.recipe_named("alexnet_2012") is recipes.ALEXNET_2012
    with pytest.raises(UnknownName, match="did you mean alexnet_2012"):
        recipes.recipe_named("alexnet")


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_recipe_is_sound(name: str) -> None:
    recipes.RECIPES[name].check()


def test_every_network_with_a_recipe_of_its_own_exists() -> None:
    assert set(recipes.USUAL) <= set(NETWORKS)


# Paper: passes, batch, first rate, momentum, weight decay, what decays.
@pytest.mark.parametrize(("recipe", "numbers"), [
    (recipes.ALEXNET_2012, (90, 128, 0.01, 0.9, 5e-4, "weights")),
    (recipes.VGG_2015, (74, 256, 0.01, 0.9, 5e-4, "weights")),
    (recipes.RESNET_2016, (120, 256, 0.1, 0.9, 1e-4, "all")),
    (recipes.RESNET_CIFAR_2016, (182, 128, 0.1, 0.9, 1e-4, "all")),
    (recipes.YOLO_2016, (135, 64, 0.01, 0.9, 5e-4, "weights")),
])  # fmt: skip
def test_the_papers_numbers(recipe: Recipe, numbers: tuple[object, ...]) -> None:
    assert numbers == (recipe.epochs, recipe.batch_size, recipe.learning_rate, recipe.momentum,
                       recipe.weight_decay, recipe.decayed)  # fmt: skip
    assert (recipe.optimizer, recipe.nesterov, recipe.label_smoothing) == ("sgd", False, 0.0)
    assert recipe.schedule == "steps"


@pytest.mark.parametrize(("recipe", "sides", "window", "padding"), [
    (recipes.ALEXNET_2012, (256, 256), 227, 0),
    (recipes.VGG_2015, (256, 512), 224, 0),
    (recipes.RESNET_2016, (256, 480), 224, 0),
    (recipes.RESNET_CIFAR_2016, (32, 32), 32, 4),
])  # fmt: skip
def test_the_papers_windows(
    recipe: Recipe, sides: tuple[int, int], window: int, padding: int
) -> None:
    varied = recipe.augmentation
    assert varied.crops == Crops(window, sides, padding)
    assert varied.geometry == Spread(mirror=0.5)
    color = 0.0 if padding else 0.1
    assert varied == Augmentation(varied.geometry, principal=color, crops=varied.crops)


def test_googlenets_windows_and_rates() -> None:
    recipe = recipes.GOOGLENET_2015
    assert recipe.augmentation.geometry.crop == (0.08, 1.0)
    assert math.exp(recipe.augmentation.geometry.stretch) == pytest.approx(4 / 3)
    factor = rate_factor(recipe, recipe.epochs)  # one step a pass
    assert [factor(epoch) for epoch in (0, 7, 8, 16)] == pytest.approx([1, 1, 0.96, 0.96**2])
    assert recipe.average > 0


def test_yolos_rates() -> None:
    factor = rate_factor(recipes.YOLO_2016, 1350)  # ten steps a pass
    rates = [factor(10 * epoch) for epoch in (3, 74, 75, 104, 105, 134)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert factor(0) < 0.1


def test_resnets_steps_on_cifar() -> None:
    steps = 182 * math.ceil(45_000 / 128)
    assert steps == pytest.approx(64_000, rel=0.002)
    factor = rate_factor(recipes.RESNET_CIFAR_2016, 64_000)
    assert [factor(step) for step in (0, 31_999, 32_000, 47_999, 48_000)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01]
    )


def test_colors_are_measured_on_the_training_pixels_where_they_are_varied() -> None:
    pixels = torch.randint(0, 256, (5, 8, 8, 3), dtype=torch.uint8).numpy()
    fitted = recipes.ALEXNET_2012.fitted(pixels)
    assert fitted.augmentation.colors == PrincipalColors.measured(pixels)
    assert recipes.SCRATCH.fitted(pixels) == recipes.SCRATCH
    assert recipes.ALEXNET_2012.fitted(pixels[..., :1]) == recipes.ALEXNET_2012
