"""A process that is really killed, on real digits."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from striate import data, models
from striate.augment import Augmentation, Spread
from striate.tasks.classification.problem import ClassificationProblem
from striate.training import Recipe, fit

RECIPE = Recipe(2, 64, 0.05, augmentation=Augmentation(Spread(rotation=8)), threads=1)
PROGRAM = """
import json, sys, time, torch
from striate import data, models
from striate.tasks.classification.problem import ClassificationProblem
from striate.training import Recipe, fit

class Slow(ClassificationProblem):  # so that there is a middle to be killed in
    def batches(self, *args, **kwargs):
        for batch in super().batches(*args, **kwargs):
            time.sleep(0.05)
            yield batch

digits = data.open("digits")
torch.manual_seed(0)
model = models.create("lenet5", classes=10)
recipe = Recipe.from_json(json.loads(sys.argv[2]))
fit(model, Slow(digits.classes), digits, recipe, folder=sys.argv[1])
"""


def test_killed_by_the_system_it_goes_on_to_the_same_end(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(killed), json.dumps(RECIPE.to_json())],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 60
    while not (killed / "checkpoint.safetensors").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)  # into the second epoch
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len((killed / "metrics.jsonl").read_text().splitlines()) == 1

    digits = data.open("digits")
    for folder in (killed, whole):
        torch.manual_seed(0)
        model = models.create("lenet5", classes=10)
        task = ClassificationProblem(digits.classes)
        fit(model, task, digits, RECIPE, folder=folder, resume=True)
    for name in ("run.json", "metrics.jsonl", "checkpoint.safetensors", "best.safetensors"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
