"""From a recipe's numbers to an optimizer and its schedule."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from striate.errors import UserError
from striate.training.adadelta import Adadelta
from striate.training.recipe import Recipe
from striate.training.sharding import is_divided


def optimizer_for(model: nn.Module, recipe: Recipe, *, new: Iterable[nn.Parameter]) -> Optimizer:
    """One optimizer over the model: `new` parameters at the full rate, the rest at the kept rate.

    Biases and normalization weights (all of one dimension) are decayed only where the recipe says
    "all". A kept rate of 0 leaves the kept parameters out, so nothing is computed for them.
    """
    fresh = {id(parameter) for parameter in new}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        kept = recipe.kept_rate != 1.0 and id(parameter) not in fresh
        if parameter.requires_grad and not (kept and recipe.kept_rate == 0.0):
            decayed = recipe.decayed == "all" or parameter.ndim > 1
            groups.setdefault((kept, decayed), []).append(parameter)
    settings = [
        {
            "params": parameters,
            "lr": recipe.learning_rate * (recipe.kept_rate if kept else 1.0),
            "weight_decay": recipe.weight_decay if decayed else 0.0,
        }
        for (kept, decayed), parameters in groups.items()
    ]
    fused = True if not any(map(is_divided, model.parameters())) else None
    if recipe.optimizer == "adadelta":
        if recipe.weight_decay:
            raise UserError(f"weight_decay {recipe.weight_decay:g}: adadelta has none; set it to 0")
        return Adadelta(settings, lr=recipe.learning_rate)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(settings, betas=(recipe.momentum, 0.999), fused=fused)
    return torch.optim.SGD(
        settings,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov and recipe.momentum > 0,
        fused=fused,
    )


def schedule_for(optimizer: Optimizer, recipe: Recipe, steps: int) -> LambdaLR:
    """The recipe's schedule over `steps` steps, as a factor of each group's rate."""
    return LambdaLR(optimizer, rate_factor(recipe, steps))


def rate_factor(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """The rate of step 0, 1... as a share of the full rate: a rise, then what the schedule says.

    The rise is straight, but in "one_cycle" half a cosine like the fall (Smith and Topin 2019).

    >>> factor = rate_factor(Recipe(1, 1, 1.0, warmup=0.2), 10)
    >>> [round(factor(step), 2) for step in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    >>> factor = rate_factor(Recipe(1, 1, 1.0, schedule="steps", steps=((0.5, 0.1),)), 4)
    >>> [factor(step) for step in range(4)]
    [1.0, 1.0, 0.1, 0.1]
    """
    rise = round(recipe.warmup * steps)
    drops = [(round(share * steps), rate) for share, rate in recipe.steps]

    def factor(step: int) -> float:
        if step < rise:
            risen = (step + 1) / rise
            return half_cosine(1 - risen) if recipe.schedule == "one_cycle" else risen
        if recipe.schedule == "constant":
            return 1.0
        if recipe.schedule == "steps":
            return next((rate for place, rate in reversed(drops) if step >= place), 1.0)
        return half_cosine((step - rise) / max(1, steps - rise))

    return factor


def half_cosine(done: float) -> float:
    """From 1 at 0 to 0 at 1, level at both ends."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
