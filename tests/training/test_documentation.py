"""docs/recipes.md: its table has every published recipe and its numbers."""

import re
from pathlib import Path

import pytest

from striate.training import recipes

DOCUMENT = Path(__file__).parents[2] / "docs" / "recipes.md"
PUBLISHED = [name for name in recipes.RECIPES if re.search(r"_(19|20)\d\d$", name)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table_has_the_numbers_of_the_recipe(name: str) -> None:
    recipe = recipes.RECIPES[name]
    (row,) = re.findall(rf"^\| `{name}` \|(.*)\|$", DOCUMENT.read_text(), flags=re.MULTILINE)
    passes, batch, rate, momentum, decay, windows, colors = map(str.strip, row.split("|"))
    first = [int(cell.split()[0]) for cell in (passes, batch)]
    assert first == [recipe.epochs, recipe.batch_size]
    assert float(rate.partition(",")[0]) == recipe.learning_rate
    assert float(momentum) == recipe.momentum
    assert float(decay.partition(" ")[0].replace("none", "0")) == recipe.weight_decay
    assert decay.endswith("all that is learned") == (recipe.decayed == "all")
    assert ("mirror" in windows) == (recipe.augmentation.geometry.mirror == 0.5)
    crops = recipe.augmentation.crops
    for number in () if crops is None else (crops.window, *crops.sides, crops.padding):
        assert re.search(rf"\b{number}\b", windows) or not number
    assert ("PCA" in colors) == bool(recipe.augmentation.principal)
