"""From a folder of images to a tested recognizer: seconds until a test accuracy is reached.

    python benchmarks/main_job.py [FOLDER] [--quick] [--json] [--seconds 400] [--only NAME]

Everyone starts from the same EfficientNet-Lite0 with the same published weights and the same class
folders (train, validation, test), in a process of its own; imports are not counted, nor is
computing the test accuracy. Peers fine-tune the whole network as their documentation does, the
careful one from a solved classifier with kept statistics; batches of 32 at 224 px, mirrored at
random, and stop after --seconds. Their time is that of the first epoch
whose test accuracy is ours or better; where none is, all of it, and the ratio is at least that.
FOLDER is data/clothing in STRIATE_SHARED where it is not given.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from _main_job_sides import OURS, PEERS
from _rows import Row, absent, compared, main

SHARED = Path(os.environ.get("STRIATE_SHARED", Path(__file__).parents[2] / "shared"))
FOLDER = SHARED / "data" / "clothing"
TARGET = 4.0
QUICK = 60.0  # seconds

Line = dict[str, float]  # "seconds", "top1"


def measure(
    quick: bool, folder: Path = FOLDER, seconds: float = 400, only: str | None = None
) -> Iterator[Row]:
    """Every way of ours beside every peer."""
    if not (folder / "train").is_dir():
        yield absent("top-1 on test", "s", "every peer", f"{folder} has no folder train", TARGET)
        return
    limit = min(seconds, QUICK) if quick else seconds
    peers = [only] if only else list(PEERS)
    found = {name: outcome(name, folder, limit) for name in (*OURS, *peers)}
    for mine in OURS:
        lines, reason = found[mine]
        if not lines:
            yield absent(f"{mine}, top-1 on test", "s", "every peer", f"{mine}: {reason}", TARGET)
            continue
        goal, spent = lines[-1]["top1"], lines[-1]["seconds"]
        case = f"{mine}, top-1 {goal:.3f}"
        for name in peers:
            theirs, reason = found[name]
            if not theirs:
                yield absent(case, "s", name, reason, TARGET, ours=spent)
                continue
            reached = [line["seconds"] for line in theirs if line["top1"] >= goal]
            best = max(line["top1"] for line in theirs)
            peer = name if reached else f"{name}, which reached {best:.3f} and no more"
            time = reached[0] if reached else theirs[-1]["seconds"]
            yield compared(case, "s", spent, peer, time, less=True, target=TARGET)


def outcome(name: str, folder: Path, seconds: float) -> tuple[list[Line], str]:
    """What a side wrote, in a process of its own; and why it wrote nothing, if so."""
    script = Path(__file__).with_name("_main_job_sides.py")
    with tempfile.TemporaryDirectory() as cache:
        process = subprocess.Popen(
            [sys.executable, script, name, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"STRIATE_CACHE": cache},
        )
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err = err.strip() or f"no epoch in {seconds:g} s"
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return lines, "" if lines else (err.strip().splitlines() or ["it wrote nothing"])[-1]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=400, help="after which a peer stops")
    parser.add_argument("--only", choices=PEERS, help="one peer")


if __name__ == "__main__":
    main(measure, __doc__, options)
