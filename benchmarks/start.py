"""How long commands take from the start of the process to their end, with files in the cache.

    python benchmarks/start.py [PHOTOGRAPHS] [--quick] [--json]

Transfer learns from PHOTOGRAPHS (clothing in STRIATE_DATA where it is not given), and a photograph
is predicted; beside it the other commands, and what importing torch alone takes. Processes of one
thread, in turns.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from _rows import Row, absent, alone, compared, in_turns, main

FOLDER = Path(os.environ.get("STRIATE_DATA", "data")) / "clothing"
SECONDS = {"striate --help": 0.1, "striate models": 1.0, "striate predict": 2.0}  # the aims


def measure(quick: bool, folder: Path = FOLDER) -> Iterator[Row]:
    """A row a command."""
    photographs = sorted(folder.rglob("*.jpg")) if folder.is_dir() else []
    if not photographs:
        yield absent("striate predict", "s", "the aim", f"no photographs in {folder}")
        return
    with tempfile.TemporaryDirectory() as place:
        learned = Path(place, "recognizer.safetensors")
        run(*striate("train", f"{folder}", "--method", "transfer", "--out", place))
        commands = {
            "striate --help": striate("--help"),
            "striate models": striate("models"),
            "striate predict": striate("predict", f"{learned}", f"{photographs[0]}"),
            "import torch": (sys.executable, "-c", "import torch"),
        }
        sides = {name: lambda command=command: run(*command) for name, command in commands.items()}
        times = in_turns(sides, 1 if quick else 9)
    found = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, aim in SECONDS.items():
        yield compared(name, "s", found[name], "the aim", aim, less=True, target=1.0)
    yield alone("import torch", "s", found["import torch"], "a part of predict")


def striate(*arguments: str) -> tuple[str, ...]:
    """A command of striate in this interpreter."""
    return (sys.executable, "-m", "striate", *arguments)


def run(*command: str) -> None:
    """To its end, on one thread.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=os.environ | threads)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="PHOTOGRAPHS")


if __name__ == "__main__":
    main(measure, __doc__, options)
