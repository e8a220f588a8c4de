"""A process that is really killed, again and again, at any moment, on real digits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# The program forks a learner, kills it after a random time, and forks the next one, which goes on.
# A checkpoint after every step, so that most moments are within a writing of files.
PROGRAM = """
import json, os, pathlib, random, signal, sys, time
import torch
from striate import data, models
from striate.augment import Augmentation, Spread
from striate.tasks.classification.problem import ClassificationProblem
from striate.tensors import load_tensors
from striate.training import Recipe, fit, keeper

killed, whole, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
keeper.SECONDS_BETWEEN_SAVES = -1.0
digits = data.open("digits").at_most(300, 0)
recipe = Recipe(
    2 + 2 * kills, 64, 0.05, augmentation=Augmentation(Spread(rotation=8)), average=0.9, threads=1
)

def learn(folder):
    torch.manual_seed(0)
    model = models.create("lenet5", classes=10)
    fit(model, ClassificationProblem(digits.classes), digits, recipe, folder=folder, resume=True)

def forked(seconds=None):
    child = os.fork()
    if not child:
        try:
            learn(killed)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

torch.set_num_threads(1)
random.seed(1)
begun = time.monotonic()
learn(whole)
often = (time.monotonic() - begun) / kills
ends, steps = [], []
for _ in range(kills):
    ends.append(forked(random.uniform(0, 2 * often)))
    saved = pathlib.Path(killed, "checkpoint.safetensors")
    if saved.exists():
        steps.append(load_tensors(saved)[1]["step"])
ends.append(forked())
print(json.dumps({"ends": ends, "steps": steps}))
"""
FILES = (
    "run.json", "metrics.jsonl", "previous.safetensors", "checkpoint.safetensors",
    "best.safetensors",
)  # fmt: skip


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.crash)])
def test_killed_at_any_moment_it_goes_on_to_the_same_end(kills: int, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(killed), str(whole), str(kills)],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ends"][-1] == 0, done.stderr
    assert set(found["ends"][:-1]) <= {0, -9}, done.stderr
    assert len(set(found["steps"])) >= kills // 10  # many were killed while they learned
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    assert not [path.name for path in killed.iterdir() if path.name.startswith(".")]
