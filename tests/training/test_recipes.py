"""Recipes as values."""

import json
from dataclasses import FrozenInstanceError

import pytest

from striate.augment import Augmentation, Spread
from striate.training import Recipe, recipes

NAMED = {name: value for name, value in vars(recipes).items() if isinstance(value, Recipe)}
FULL = Recipe(
    2, 3, 0.5, "adamw", 0.8, False, 0.1, "steps", 0.25, ((0.5, 0.2), (0.75, 0.1)), 0.1, True,
    0.05, 2.0,
    0.99, True, 4,
    Augmentation(Spread(mirror=0.5, rotation=1), brightness=0.1),
    2, "bfloat16", "measured", 1,
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
