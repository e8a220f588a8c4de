"""Two processes of one thread each that share every batch, beside one process of two threads.

    python benchmarks/group.py [--quick] [--json] [--batch 32] [--side 96]

ResNet-18 learns from random views of noise, input included. Both sides are there all the time and
learn in turns; `cases` are images a second by the clock, and by the processor time of all.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from _rows import Row, compared, main, ratio_of

SIDES = Path(__file__).with_name("_group_sides.py")
PEER = "one process of two threads"
TARGET = 0.9


class Side:
    """Processes that learn some steps when asked."""

    def __init__(self, processes: int, threads: int, options: list[str]):
        command = [sys.executable]
        if processes > 1:
            command += ["-m", "torch.distributed.run", "--standalone",
                        f"--nproc-per-node={processes}"]  # fmt: skip
        self.process = subprocess.Popen(
            [*command, str(SIDES), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip
        self.turns: list[dict[str, float]] = []
        self.answer()

    def answer(self) -> dict[str, Any]:
        """What the first process writes next."""
        assert self.process.stdout
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def turn(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.turns.append(self.answer())

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def measure(quick: bool, batch: int = 32, side: int = 96, steps: int = 4) -> Iterator[Row]:
    """Both in turns."""
    options = [str(batch), str(side), str(steps)]
    with ExitStack() as stack:
        ours = stack.enter_context(Side(2, 1, options))
        theirs = stack.enter_context(Side(1, 2, options))
        for _ in range(1 if quick else 9):
            for each in (ours, theirs):
                each.turn()
    name = f"ResNet-18, {side} px, batches of {batch}"
    for kind in ("seconds", "processor"):
        mine, others = ([turn[kind] for turn in each.turns] for each in (ours, theirs))
        yield compared(
            f"{name}, by {'the clock' if kind == 'seconds' else 'processor time'}", "img/s",
            batch * steps / statistics.median(mine), PEER,
            batch * steps / statistics.median(others), ratio=ratio_of(mine, others), target=TARGET,
        )  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch", type=int, default=32, help="of both together")
    parser.add_argument("--side", type=int, default=96, help="of the images, in pixels")


if __name__ == "__main__":
    main(measure, __doc__, options)
