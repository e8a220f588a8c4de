"""Steps of learning, beside what people would write or install instead.

    python benchmarks/training.py [--quick] [--json] [--case NAME ...] [--threads 2]

Every side is a process of its own and trains in turn with all others: same network, batch and
optimizer, on noise of the right size. LeNet-5 goes through epochs of 12,800 gray images, input
included; the others through steps on a batch that lies ready. Peers run as their makers ship them:
`keep_memory` is part of ours alone. Lightning, fastai, Keras and JAX are asked where installed.

The share is of the largest matrix product measured in the same run with as many threads: six
operations a multiply-add (two forward, four back), two of them spared in the first layer.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from _training_sides import CASES, Case, network

from striate.models import describe

REST = 0.4  # seconds between two turns, for the threads of the last one to stop waiting for work


@dataclass(frozen=True)
class Row:
    """One side of one case, in medians; `ratio` above 1: ours is ahead."""

    case: str
    side: str
    images_per_second: float
    share: float
    ratio: float
    target: str
    note: str


class Side:
    """A process that trains when asked."""

    def __init__(self, name: str, case: str, threads: int):
        self.name, self.times = name, list[float]()
        settings = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        script = Path(__file__).with_name("_training_sides.py")
        self.process = subprocess.Popen(
            [sys.executable, script, name, case],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | settings,
        )  # fmt: skip
        self.state = self.answer()

    def answer(self) -> dict[str, Any]:
        """What the process says next."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"absent": "it failed"}

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


def measure(name: str, quick: bool, threads: int) -> Iterator[Row]:
    """Ours and every peer of a case, in turns."""
    case = CASES[name]
    best = peak(case.device)
    work = operations(case)
    with ExitStack() as stack:
        sides = [stack.enter_context(Side(side, name, threads)) for side in ("ours", *case.peers)]
        ready = [side for side in sides if "absent" not in side.state]
        for _ in range(2 if quick else 7):
            for side in ready:
                side.turn()
    best = max(best, peak(case.device))
    mine = sides[0].times
    for side in sides:
        if side not in ready:
            yield Row(name, side.name, 0, 0, 0, "", f"left out: {side.state['absent']}")
            continue
        speed = case.images / statistics.median(side.times)
        pairs = zip(mine, side.times, strict=True)
        ratio = statistics.median(theirs / ours for ours, theirs in pairs)
        note = f"peak {best / 1e9:.0f} GFLOP/s" if side is sides[0] else ""
        if side.name == "compiled":
            note = (
                f"after {side.state['warm'] - 2 * statistics.median(side.times):.0f} s of compiling"
            )
        yield Row(name, side.name, round(speed, 1), round(speed * work / best, 3),
                  round(ratio, 2), wanted(case, side.name), note)  # fmt: skip


def wanted(case: Case, side: str) -> str:
    if side == "ours":
        return f"share {case.share:g}" if case.share else ""
    return f"ratio {case.ratio:g}" if case.ratio else ""


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two rounds: to see that it runs")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--case", nargs="+", choices=CASES, help="these alone")
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.json:
        print(f"{'case':13} {'side':23} {'images/s':>9} {'of peak':>7} {'ours is':>8}  target")
    for name, case in CASES.items():
        if name not in (options.case or CASES):
            continue
        if case.device == "cuda" and not torch.cuda.is_available():
            print(f"{name}: left out, no GPU here", file=sys.stderr)
            continue
        for row in measure(name, options.quick, options.threads):
            if options.json:
                print(json.dumps(asdict(row)), flush=True)
                continue
            print(
                f"{row.case:13} {row.side:23} {row.images_per_second:9.1f} {row.share:7.1%} "
                f"{row.ratio:7.2f}x  {row.target:12} {row.note}",
                flush=True,
            )


if __name__ == "__main__":
    main()
