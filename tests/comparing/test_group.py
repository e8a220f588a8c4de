"""Two processes that compare as one does, though one of them is killed on the way."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from striate.cli import run

PROGRAM = """
import gc
gc.disable()  # imports take half of the time
import os, signal, sys
from striate.cli import main
from striate.training.keeper import Keeper

stepped = Keeper.stepped

def killed(self, step, losses):
    if step == 4 and os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    stepped(self, step, losses)

Keeper.stepped = killed
sys.exit(main())
"""
COMMAND = [
    "compare", "digits", "--max-images", "100", "--methods", "handcrafted,scratch", "--seeds", "1",
    "--set", "epochs=3", "--set", "threads=1", "--json",
]  # fmt: skip

# Threads that wait for work without a break are slow where cores are few.
QUIET = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def table(text: str) -> dict[str, tuple[Any, ...]]:
    found = json.loads(text)  # there is nothing else: one process prints
    return {
        row["method"]: (row["score"], *row["interval"], row["validation"], row["history"])
        for row in found["methods"]
    }


def test_two_processes_make_the_table_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not run([*COMMAND, "--out", str(tmp_path / "one")])
    one = table(capsys.readouterr().out)
    script, folder = tmp_path / "program.py", tmp_path / "two"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         "--max-restarts=1", str(script), *COMMAND, "--out", str(folder)],
        env=os.environ | QUIET, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    two = table(done.stdout)
    assert list(two) == ["handcrafted", "scratch"]
    for name, (*scores, validation, history) in two.items():
        assert scores == pytest.approx(one[name][:3])
        assert validation == pytest.approx(one[name][3], abs=1e-5)
        assert len(history) == len(one[name][4])
        for mine, other in zip(history, one[name][4], strict=True):
            assert mine == pytest.approx(other, abs=1e-5)
    assert not done.stderr.count("Traceback")
    kept = {path.name for path in (folder / "scratch" / "seed-0").iterdir()}
    assert {"asked.json", "recognizer.safetensors", "metrics.jsonl"} <= kept
    assert {path.name for path in folder.glob("*.*")} == {
        "handcrafted.safetensors", "scratch.safetensors", "report.html",
    }  # fmt: skip
