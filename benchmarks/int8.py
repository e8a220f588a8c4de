"""What rounding a recognizer to 8 bits gives and takes: speed, top-1, size.

    python benchmarks/int8.py [PHOTOGRAPHS] [--quick] [--json]

Transfer learns from PHOTOGRAPHS (clothing in STRIATE_DATA where it is not given) and is exported
and rounded as by `striate export --int8`; one thread, one photograph at a time. Validation examples
give the ranges, test examples the cost.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from _rows import Row, absent, alone, compared, main
from start import run, striate

FOLDER = Path(os.environ.get("STRIATE_DATA", "data")) / "clothing"
TIMES = 1.3  # the aim


def measure(quick: bool, folder: Path = FOLDER) -> Iterator[Row]:
    """Rows of speed, accuracy and size."""
    if not folder.is_dir():
        yield absent("8 bits", "times", "single precision", f"no folder {folder}", TIMES)
        return
    from striate import exporting, recognizer
    from striate.tasks import opening

    torch.set_num_threads(1)
    dataset = opening.open(folder)
    with tempfile.TemporaryDirectory() as place:
        learned, path = Path(place, "recognizer.safetensors"), Path(place, "small.onnx")
        run(*striate("train", f"{folder}", "--method", "transfer", "--out", place))
        exporting.export(recognizer.load_trained(learned), path, to="onnx")
        cost = exporting.round_with(path, dataset)
    yield compared("8 bits, one photograph", "times", cost.times, "single precision", 1.0,
                   target=TIMES)  # fmt: skip
    lost = f"top-1 of {cost.examples} test images, {cost.before:.1%} in single precision"
    low, high = (100 * bound for bound in cost.interval)
    yield alone(lost, "points", 100 * (cost.after - cost.before), f"{low:+.1f} to {high:+.1f}")
    megabytes = cost.bytes_after / 1e6, cost.bytes_before / 1e6
    yield compared("size", "MB", megabytes[0], "single precision", megabytes[1], less=True)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="PHOTOGRAPHS")


if __name__ == "__main__":
    main(measure, __doc__, options)
