"""Faces: every method in each fold of a list of pairs, learned from the others.

    python benchmarks/faces_folds.py DATA [METHOD ...]

As LFW's protocol has it, each fold is scored once; the fold before it is chosen on, the others are
learned. Prints accuracy, mean and standard error over folds, and processor seconds.
"""

import argparse
import time
from dataclasses import replace

import numpy as np

import striate
from striate.data.people_files import fold_split
from striate.tasks.contract import Ask
from striate.tasks.faces.task import Faces


def main() -> None:
    """Prints a row a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--seconds", type=float, default=None)
    given = parser.parse_args()
    task = Faces()
    dataset = striate.open(given.data, task="faces")
    start = time.process_time()
    data = task.prepare(dataset, ())
    print(f"faces found and lined up: {time.process_time() - start:.0f} s of processor", flush=True)
    folds = sorted(set(dataset.targets.protocol[:, 3].tolist()))
    for name in given.methods or task.compared:
        method, found, areas, rates, start = task.methods[name], [], [], [], time.process_time()
        for fold in folds:
            before = folds[folds.index(fold) - 1]
            split = fold_split(data.dataset, fold, before)
            own = replace(data, dataset=replace(data.dataset, split=split))
            ask = Ask(seconds=given.seconds if method.by_epochs else None)
            learned = method.learn(own, ask)
            rows = np.flatnonzero(split == 2).tolist()
            scores = task.scores(task.answered(learned.predictor, own, rows), own.dataset, ())
            found.append(scores.value)
            areas.append(scores.metrics["auc"])
            rates.append(scores.metrics["eer"])
        error = np.std(found, ddof=1) / len(found) ** 0.5
        print(
            f"{name:12} accuracy {np.mean(found):.3f} ± {error:.3f}  area {np.mean(areas):.3f}  "
            f"equal error {np.mean(rates):.3f}  {time.process_time() - start:.0f} s of processor  "
            f"{' '.join(f'{one:.3f}' for one in found)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
