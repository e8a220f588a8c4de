"""Seconds of each stage of the main job: decode, deep features, then each approach, one seed each.

    python benchmarks/compare.py [DATA] [--quick] [--json]

DATA is a folder, a list or a name of the catalog; "digits", inside scikit-learn, where it is not
given or with --quick. There is no peer: no other tool does the same job.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from _rows import Row, alone, main

from striate.comparing import Outcome, Wishes
from striate.comparing.learning import run
from striate.tasks.opening import open as open_data
from striate.tasks.opening import task_of

DATA = "digits"


def measure(quick: bool, data: str = DATA) -> Iterator[Row]:
    """Each stage as it is done; features stand apart, for transfer and fine-tuning share them."""
    data = DATA if quick else data
    name = Path(data).name
    start = time.perf_counter()
    dataset = open_data(data)
    yield alone(f"{name}: open", "s", time.perf_counter() - start, f"{len(dataset)} examples")
    task = task_of(dataset)
    start = time.perf_counter()
    plans = Wishes().plans(task, task.compared, 0)
    decoded = task.prepare(dataset, plans)
    views = ", ".join(f"{view.size} px" for view in decoded.pixels)
    yield alone(f"{name}: decode", "s", time.perf_counter() - start, views)
    for plan in plans:
        yield from rows(name, run(task, decoded, plan))


def rows(name: str, outcome: Outcome) -> Iterator[Row]:
    """Its features, and the rest of what it learned."""
    seconds = dict(outcome.learned.seconds)
    features = seconds.pop("features", None)
    if features is not None:
        yield alone(f"{name}: features of {outcome.name}", "s", features)
    scores, task = outcome.scores, outcome.recognizer.task
    score = f"{task.score_title} {scores.value:.3f}" if scores else "not tested"
    stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in seconds.items())
    yield alone(f"{name}: {outcome.name}", "s", sum(seconds.values()), f"{score}; {stages}")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", nargs="?", default=DATA, metavar="DATA")


if __name__ == "__main__":
    main(measure, __doc__, options)
