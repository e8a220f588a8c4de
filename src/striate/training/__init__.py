"""Learning problems, objectives, the one loop, recipes and runs."""

from striate.training._fit import Run, fit
from striate.training.loop import Objective, Step, train
from striate.training.modes import learning, seeded
from striate.training.problem import Problem
from striate.training.recipe import Recipe

__all__ = [
    "Objective",
    "Problem",
    "Recipe",
    "Run",
    "Step",
    "fit",
    "learning",
    "seeded",
    "train",
]
