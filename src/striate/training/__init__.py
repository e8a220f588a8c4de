"""Objectives, the one loop, recipes and runs."""

from striate.training.fit import Run, fit
from striate.training.loop import Objective, Step, train
from striate.training.modes import evaluating, learning, seeded
from striate.training.precision import device_of, fastest_device
from striate.training.preprocessing import Preprocessing
from striate.training.recipes import Recipe
from striate.training.task import Task

__all__ = [
    "Objective",
    "Preprocessing",
    "Recipe",
    "Run",
    "Step",
    "Task",
    "device_of",
    "evaluating",
    "fastest_device",
    "fit",
    "learning",
    "seeded",
    "train",
]
