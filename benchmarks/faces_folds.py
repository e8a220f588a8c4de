"""Faces: every method in each fold of a list of pairs, learned from the others.

    python benchmarks/faces_folds.py DATA [METHOD ...] [--folds N]

As LFW's protocol has it, each fold is scored once; the fold before it is chosen on, the others are
learned. Prints accuracy, mean and standard error over folds, processor seconds, of each fold the
accuracy and the area under the curve on validation pairs. With --folds only the last N are scored.
"""

import argparse
import time
from dataclasses import replace

import numpy as np

import striate
from striate.data.people_files import FOLDS, fold_of_each, fold_split
from striate.tasks.contract import Ask
from striate.tasks.faces.task import Faces


def main() -> None:
    """Prints a row a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--folds", type=int, default=None)
    given = parser.parse_args()
    task = Faces()
    dataset = striate.open(given.data, task="faces")
    if dataset.targets.protocol is None:
        parser.error(f"{given.data} has no list of pairs")
    _, shared = fold_of_each(dataset)
    folds = sorted(set(dataset.targets.protocol[:, 3].tolist()) - {-1})
    if shared or len(folds) < FOLDS:
        parser.error(f"{given.data}: needs {FOLDS} folds or more that share no person; "
                     f"{len(folds)} share {len(shared)}")  # fmt: skip
    start = time.process_time()
    data = task.prepare(dataset, ())
    own_fold, _ = fold_of_each(data.dataset)
    print(f"faces found and lined up: {time.process_time() - start:.0f} s of processor", flush=True)
    for name in given.methods or task.compared:
        method, found, areas, rates, chosen = task.methods[name], [], [], [], []
        start = time.process_time()
        for fold in folds[-given.folds :] if given.folds else folds:
            before = folds[folds.index(fold) - 1]
            split = fold_split(own_fold, fold, before)
            own = replace(data, dataset=replace(data.dataset, split=split))
            ask = Ask(seconds=given.seconds if method.by_epochs else None)
            learned = method.learn(own, ask)
            rows = np.flatnonzero(split == 2).tolist()
            scores = task.scores(task.answered(learned.predictor, own, rows), own.dataset, ())
            found.append(scores.value)
            areas.append(scores.metrics["auc"])
            rates.append(scores.metrics["eer"])
            chosen.append(learned.validation["auc"])
        error = np.std(found, ddof=1) / len(found) ** 0.5 if len(found) > 1 else np.nan
        print(
            f"{name:12} accuracy {np.mean(found):.3f} ± {error:.3f}  area {np.mean(areas):.3f}  "
            f"equal error {np.mean(rates):.3f}  {time.process_time() - start:.0f} s of processor  "
            f"{' '.join(f'{one:.3f}' for one in found)}  "
            f"validation area {' '.join(f'{one:.3f}' for one in chosen)}  "
            f"{'; '.join(learned.notes)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
