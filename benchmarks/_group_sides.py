"""One side of `group.py`: learns so many steps for each line that it reads."""

import json
import sys
import time
from itertools import islice

import numpy as np
import torch

from striate.augment.named import PHOTOGRAPHS
from striate.data import Array, Dataset, Labels
from striate.models import create
from striate.ops.memory import keep_memory
from striate.tasks.classification.problem import ClassificationProblem
from striate.training import Recipe, group, learning, train

CLASSES = ("a", "b", "c", "d")


def run(batch: int, side: int, steps: int) -> None:
    keep_memory()
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    count = 4 * batch
    pixels = random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    labels = Labels(CLASSES, np.arange(count, dtype=np.int64) % len(CLASSES))
    data = Dataset("noise", Array(pixels), labels, np.zeros(count, np.int8))
    model = create("resnet18", classes=len(CLASSES))
    recipe = Recipe(1, batch, 0.01, augmentation=PHOTOGRAPHS)
    problem = ClassificationProblem(CLASSES)
    prepared = problem.prepare(data)
    objectives = problem.objectives(model, recipe, 10**6)
    batches = problem.batches(prepared, recipe, seed=0, start=0)
    with learning(model):
        learn = iter(train(objectives, batches))
        list(islice(learn, 2))
        tell({})
        while group.agreed(sys.stdin.readline() if not group.rank() else ""):
            begun, spent = time.perf_counter(), time.process_time()
            list(islice(learn, steps))
            seconds, spent = time.perf_counter() - begun, time.process_time() - spent
            every = group.by_all(
                group.size(), lambda low, high, s=spent: torch.full((high - low,), s), batch=1
            )
            tell({"seconds": seconds, "processor": float(every.sum())})


def tell(found: dict[str, float]) -> None:
    if not group.rank():
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    with group.joined():
        run(*map(int, sys.argv[1:]))
