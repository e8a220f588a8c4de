"""Recipes changed by text: every kind of value, and what is refused."""

from dataclasses import fields, replace

import numpy as np
import pytest

from striate.augment import AUGMENTATIONS, NONE
from striate.errors import UnknownName, UserError
from striate.training import Recipe, recipes
from striate.training.settings import keys, read

SCRATCH = recipes.SCRATCH


@pytest.mark.parametrize(("assignment", "field", "value"), [
    ("epochs=5", "epochs", 5),
    (" learning_rate = 1e-3 ", "learning_rate", 0.001),
    ("optimizer=adamw", "optimizer", "adamw"),
    ("nesterov=false", "nesterov", False),
    ("keep_start=yes", "keep_start", True),
    ("patience=none", "patience", None),
    ("patience=3", "patience", 3),
    ("clip=2.5", "clip", 2.5),
    ("steps=0.5:0.1, 0.75:0.01", "steps", ((0.5, 0.1), (0.75, 0.01))),
    ("steps=0.5:0.1", "steps", ((0.5, 0.1),)),
    ("decayed=all", "decayed", "all"),
    ("augmentation=none", "augmentation", NONE),
    ("augmentation=resnet_cifar", "augmentation", AUGMENTATIONS["resnet_cifar"]),
])  # fmt: skip
def test_one_value_is_changed(assignment: str, field: str, value: object) -> None:
    assert SCRATCH.set(assignment) == SCRATCH.but(**{field: value})


def test_values_inside_are_found_with_and_without_their_path() -> None:
    for key in ("mirror", "augmentation.geometry.mirror"):
        changed = SCRATCH.set(f"{key}=0.25")
        assert changed.augmentation.geometry.mirror == 0.25
        assert changed.augmentation.brightness == SCRATCH.augmentation.brightness
    assert SCRATCH.set("crop=0.08,1").augmentation.geometry.crop == (0.08, 1.0)
    crops = recipes.RESNET_CIFAR_2016.set("padding=2", "sides=40,48").augmentation.crops
    assert crops is not None
    assert (crops.padding, crops.sides) == (2, (40, 48))


def test_the_last_of_several_wins() -> None:
    assert SCRATCH.set("augmentation=alexnet", "mirror=0", "epochs=2", "epochs=3") == SCRATCH.but(
        epochs=3, augmentation=AUGMENTATIONS["alexnet"]
    ).set("mirror=0")


def test_every_field_of_a_recipe_is_a_key() -> None:
    assert {path[0] for path in keys(SCRATCH)} == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize(("assignment", "words"), [
    ("epochs=five", "epochs takes a whole number, not 'five'"),
    ("epochs=2.5", "epochs takes a whole number"),
    ("epochs=0", "epochs must be 1 or more, not 0"),
    ("batch_size=-3", "batch_size must be 1 or more"),
    ("learning_rate=nan", "takes a finite number"),
    ("learning_rate=0", "learning_rate must be from"),
    ("momentum=1.5", "momentum must be from 0 to 0.9999"),
    ("nesterov=2", "nesterov is true or false"),
    ("optimizer=adam", "optimizer is one of sgd, adamw, adadelta, not 'adam'"),
    ("crop=0.5", "crop takes 2 numbers"),
    ("crop=0.5,0.1", "crop must be two growing shares"),
    ("mirror=2", "mirror must be a probability"),
    ("steps=0.5", "steps takes 2 numbers"),
    ("augmentation=photos", "augmentation is one of none, characters"),
    ("geometry=photos", "geometry is one of none, characters"),
    ("crops=none2", "crops is one of alexnet, vgg, resnet, resnet_cifar, not"),
    ("rotation=-3", "--set rotation=-3: rotation must be 0 or more, not -3"),
    ("brightness=-1", "brightness must be 0 or more"),
    ("variances=1,2", "variances must be three variances and three directions"),
    ("padding=-1", "no setting of a recipe is called 'padding'"),
    ("epochs", "expected key=value"),
    ("=5", "expected key=value"),
    ("epochs=", "expected key=value"),
])  # fmt: skip
def test_what_a_field_does_not_take(assignment: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        SCRATCH.set(assignment)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_brings_the_closest() -> None:
    with pytest.raises(UnknownName, match=r"setting of a recipe .* did you mean .*learning_rate"):
        SCRATCH.set("learningrate=1")
    with pytest.raises(UnknownName, match="window"):
        SCRATCH.set("window=3")  # it cuts no windows


def test_an_unknown_key_lists_all_that_there_are() -> None:
    with pytest.raises(UnknownName) as caught:
        SCRATCH.set("learningrate=1")
    known = str(caught.value).partition("known: ")[2].split(", ")
    assert set(known) == {path[-1] for path in keys(SCRATCH)} > {"epochs", "mirror", "crops"}
    assert "size" not in known  # of the views: what the network takes


def test_what_is_in_an_augmentation_can_be_taken_from_another() -> None:
    resnet = AUGMENTATIONS["resnet_cifar"]
    changed = SCRATCH.set("crops=resnet_cifar", "padding=2", "geometry=none").augmentation
    assert resnet.crops is not None
    assert changed.crops == replace(resnet.crops, padding=2)
    assert changed.geometry == NONE.geometry
    assert changed.brightness == SCRATCH.augmentation.brightness
    assert SCRATCH.set("crops=vgg", "crops=none") == SCRATCH


def test_colors_that_are_set_are_not_measured() -> None:
    colors = recipes.ALEXNET_2012.set("variances=3,2,1")
    assert colors.fitted(np.zeros((4, 4, 3), np.uint8)) == colors


def test_numbers_may_be_apart() -> None:
    assert read("1 , 2", tuple[int, ...], {}) == (1, 2)
