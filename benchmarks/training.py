"""Steps of learning, beside what people would write or install instead.

    python benchmarks/training.py [--quick] [--json] [--case NAME ...] [--threads 2]
                                  [--device cpu|cuda]

Every side is a process of its own and trains in turn with all others: same network, batch and
optimizer, on noise of the right size. LeNet-5 goes through epochs of 12,800 gray images, input
included; the others through steps on a batch that lies ready. Peers run as their makers ship them:
`keep_memory` is part of ours alone. Lightning, fastai, Keras and JAX are asked where installed.

The share of the peak is that of the largest matrix product measured in the same run with as many
threads: six operations a multiply-add (two forward, four back), two of them spared in the first
layer.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from _rows import Row, absent, compared, device_option, main, ratio_of
from _training_sides import CASES, Case, network

from striate.models import describe

REST = 0.4  # seconds between two turns, for the threads of the last one to stop waiting for work


class Side:
    """A process that trains when asked."""

    def __init__(self, name: str, case: str, threads: int):
        self.name, self.times = name, list[float]()
        settings = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        script = Path(__file__).with_name("_training_sides.py")
        self.process = subprocess.Popen(
            [sys.executable, script, name, case],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | settings,
        )  # fmt: skip
        self.state = self.answer()

    def answer(self) -> dict[str, Any]:
        """What the process writes next."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"absent": "its process ended"}

    def turn(self) -> None:
        assert self.process.stdin
        time.sleep(REST)
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.times.append(self.answer()["seconds"])

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()


def measure(
    quick: bool, case: list[str] | None = None, threads: int = 2, device: str | None = None
) -> Iterator[Row]:
    """Every case, or those of a device; of a GPU they are rows without a ratio where there is
    none."""
    torch.set_num_threads(threads)
    for name, about in CASES.items():
        if name not in (case or CASES) or about.device != (device or about.device):
            continue
        if about.device == "cuda" and not torch.cuda.is_available():
            for peer in about.peers:
                yield absent(name, "img/s", peer, "no GPU here", about.ratio)
            continue
        yield from in_turns(name, about, quick, threads)


def in_turns(name: str, case: Case, quick: bool, threads: int) -> Iterator[Row]:
    """Ours beside the peak of this machine, and beside every peer in turns."""
    best = peak(case.device)
    work = operations(case)
    with ExitStack() as stack:
        sides = [stack.enter_context(Side(side, name, threads)) for side in ("ours", *case.peers)]
        ready = [side for side in sides if "absent" not in side.state]
        for _ in range(2 if quick else 7):
            for side in ready:
                side.turn()
    best = max(best, peak(case.device)) / 1e9
    ours, *peers = sides
    if ours not in ready:
        for side in peers:
            reason = f"ours: {ours.state['absent']}"
            yield absent(name, "img/s", side.name, reason, case.ratio)
        return
    speed = case.images / statistics.median(ours.times)
    reached = speed * work / 1e9
    product = "the largest matrix product"
    yield compared(f"{name}, share of the peak", "GFLOP/s", reached, product, best,
                   target=case.share)  # fmt: skip
    for side in peers:
        if side not in ready:
            reason = side.state["absent"]
            yield absent(name, "img/s", side.name, reason, case.ratio, ours=speed)
            continue
        theirs = statistics.median(side.times)
        compiling = side.state["warm"] - 2 * theirs
        peer = f"{side.name}, after {compiling:.0f} s" if side.name == "compiled" else side.name
        yield compared(name, "img/s", speed, peer, case.images / theirs,
                       ratio=ratio_of(ours.times, side.times), target=case.ratio)  # fmt: skip


def operations(case: Case) -> float:
    """Floating-point operations that learning from an image takes."""
    layers = describe(network(case).cpu(), case.side, channels=case.channels).layers
    costs = [layer.multiply_adds for layer in layers if layer.parameters]
    return 6 * sum(costs) - 2 * costs[0]


def peak(device: str) -> float:
    """Operations a second of a large matrix product: single precision here, bfloat16 on a GPU."""
    side, dtype = (2048, torch.float32) if device == "cpu" else (8192, torch.bfloat16)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    times = []
    for _ in range(8):
        start = time.perf_counter()
        torch.mm(a, b)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, help="these alone")
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    device_option(parser)


if __name__ == "__main__":
    main(measure, __doc__, options)
