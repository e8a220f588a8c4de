"""Groups and schedules by pencil."""

import pytest
import torch
from torch import nn

from striate.training import Recipe
from striate.training.optimizers import optimizer_for, rate_factor, schedule_for

RECIPE = Recipe(1, 1, 0.1, weight_decay=0.01)


def model() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))


def groups(recipe: Recipe) -> set[tuple[float, float, int]]:
    """(rate, decay, tensors) of each group, where only the last layer is new."""
    network = model()
    optimizer = optimizer_for(network, recipe, new=network[3].parameters())
    return {
        (round(group["lr"], 9), group["weight_decay"], len(group["params"]))
        for group in optimizer.param_groups
    }


def test_biases_and_normalization_do_not_decay() -> None:
    # matrices: two weights; vectors: two biases, and the normalization's weight and bias
    assert groups(RECIPE) == {(0.1, 0.01, 2), (0.1, 0.0, 4)}


def test_all_of_it_decays_where_the_recipe_says_so() -> None:
    assert groups(RECIPE.but(decayed="all")) == {(0.1, 0.01, 6)}


def test_kept_parameters_learn_at_the_kept_rate() -> None:
    assert groups(RECIPE.but(kept_rate=0.1)) == {
        (0.1, 0.01, 1), (0.1, 0.0, 1), (0.01, 0.01, 1), (0.01, 0.0, 3),
    }  # fmt: skip


def test_a_kept_rate_of_zero_leaves_the_rest_alone() -> None:
    assert groups(RECIPE.but(kept_rate=0.0)) == {(0.1, 0.01, 1), (0.1, 0.0, 1)}


def test_frozen_parameters_are_left_out() -> None:
    network = model()
    network[0].requires_grad_(False)
    optimizer = optimizer_for(network, RECIPE, new=network.parameters())
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


@pytest.mark.parametrize(("name", "momentum", "moved"), [
    # Nesterov after one step: gradient + momentum * gradient = 1.9 x 2
    ("sgd", 0.9, 3.8), ("sgd", 0.0, 2.0),
    # AdamW's first step is the sign of the gradient
    ("adamw", 0.9, 1.0),
])  # fmt: skip
def test_the_first_step_by_pencil(name: str, momentum: float, moved: float) -> None:
    weight = nn.Linear(1, 1, bias=False)
    nn.init.constant_(weight.weight, 5.0)
    recipe = Recipe(1, 1, 0.5, name, momentum)  # type: ignore[arg-type]
    optimizer = optimizer_for(weight, recipe, new=weight.parameters())
    (2 * weight.weight).sum().backward()
    optimizer.step()
    assert weight.weight.item() == pytest.approx(5 - 0.5 * moved, abs=1e-5)


def test_the_schedule_by_pencil() -> None:
    cosine = rate_factor(RECIPE.but(warmup=0.4), 10)  # four steps up, six down
    rates = [1 / 4, 2 / 4, 3 / 4, 1, 1, 0.9330127, 0.75, 0.5, 0.25, 0.0669873, 0, 0]
    assert [cosine(step) for step in range(12)] == pytest.approx(rates, abs=1e-7)
    constant = rate_factor(RECIPE.but(warmup=0.2, schedule="constant"), 10)
    assert [constant(step) for step in (0, 1, 2, 9)] == [0.5, 1, 1, 1]


def test_a_schedule_of_warmup_alone_does_not_divide_by_zero() -> None:
    assert [rate_factor(RECIPE.but(warmup=1.0), 2)(step) for step in range(3)] == [0.5, 1, 1]


def test_each_group_keeps_its_share_of_the_rate() -> None:
    network = model()
    recipe = RECIPE.but(kept_rate=0.1, warmup=0.5)
    optimizer = optimizer_for(network, recipe, new=network[3].parameters())
    schedule_for(optimizer, recipe, 4)
    assert {round(group["lr"], 9) for group in optimizer.param_groups} == {0.05, 0.005}
    assert isinstance(optimizer, torch.optim.SGD)
