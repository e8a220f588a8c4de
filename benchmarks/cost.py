"""What a comparison of digits of 16 x 16 costs, and how that grows with their number.

    python benchmarks/cost.py [MNIST] [--quick] [--json]

MNIST is a folder with its four files (mnist in STRIATE_DATA where it is not given); its digits, cut
out and made smaller, stand for the 9,298 of USPS. Every approach with as many seeds as `striate
compare` gives it; seconds of the processor, and beside them what was announced before.
"""

import argparse
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from _rows import Row, absent, alone, compared, main
from PIL import Image

from striate.comparing import Wishes
from striate.comparing._compare import comparisons
from striate.comparing.expecting import Expected
from striate.data import Array, Dataset, Labels
from striate.data.splits import TEST
from striate.tasks.opening import open as open_data
from striate.tasks.opening import task_of

FOLDER = Path(os.environ.get("STRIATE_DATA", "data")) / "mnist"
COUNTS = (1_000, 3_000, 9_298)
TESTED = 2_007 / 9_298
INSIDE, SIDE = slice(4, 24), 16
MINUTES = 6.0


def measure(quick: bool, folder: Path = FOLDER) -> Iterator[Row]:
    """The whole, each approach, and the growth from one number to the next."""
    if not folder.is_dir():
        yield absent("compare digits of 16 x 16", "s", "its announcement", f"no folder {folder}")
        return
    counts = COUNTS[:1] if quick else COUNTS
    found = {}
    for count in counts:
        announced, spent, scores = comparison(digits(folder, count))
        found[count] = sum(spent.values())
        for title, seconds in spent.items():
            case = f"{count:,} digits, {title}, {scores[title]:.1%} right"
            yield compared(case, "s", seconds, "announced", announced[title] or 0.0, less=True)
        yield alone(f"{count:,} digits, all", "s", found[count])
    for fewer, more in pairwise(counts):
        case = f"seconds of {more:,} digits beside {fewer:,}"
        yield compared(case, "times", found[more] / found[fewer], "the numbers", more / fewer,
                       less=True, target=1.0)  # fmt: skip
    if counts[-1] == COUNTS[-1]:
        case = f"all of {counts[-1]:,} digits"
        yield compared(case, "min", found[counts[-1]] / 60, "the aim", MINUTES, less=True)


def digits(folder: Path, count: int) -> Dataset:
    """So many digits of 16 x 16, in the shares of USPS."""
    whole = open_data(folder)
    small = []
    first = [np.flatnonzero((whole.split == TEST) == tested) for tested in (False, True)]
    tested = round(TESTED * count)
    rows = np.concatenate([first[0][: count - tested], first[1][:tested]])
    for row in rows:
        pixels = whole.inputs[int(row)][INSIDE, INSIDE, 0]
        small.append(np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.BILINEAR)))
    labels = Labels(whole.classes, whole.targets.single()[rows])
    return Dataset("digits of 16 x 16", Array(np.stack(small)), labels, whole.split[rows])


def comparison(
    dataset: Dataset,
) -> tuple[dict[str, float | None], dict[str, float], dict[str, float]]:
    """By approach: the seconds announced, those spent, and the score of its best run."""
    told: list[Expected] = []
    task = task_of(dataset)
    spent: dict[str, float] = {}
    before = time.process_time()
    for known in comparisons(dataset, task, wishes=Wishes(), announce=told.extend):
        title, now = known.outcomes[-1].method.title, time.process_time()
        spent[title] = spent.get(title, 0.0) + now - before
        before = now
    scores = {each.method.title: each.scores.value for each in known.outcomes if each.scores}
    return {each.title: each.seconds for each in told}, spent, scores


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="MNIST")


if __name__ == "__main__":
    main(measure, __doc__, options)
