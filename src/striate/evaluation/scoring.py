"""All numbers of one answer to a set of images, as plain values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError
from striate.evaluation.classification import (
    calibration_error,
    confusion,
    precision_recall,
    top_k,
    wilson_interval,
)
from striate.evaluation.resampling import bootstrap
from striate.evaluation.trees import Tree, coarse_accuracy

Probabilities = NDArray[np.float32]
Targets = NDArray[np.int64]


def scores(
    probabilities: Probabilities,
    targets: Targets,
    classes: Sequence[str],
    *,
    tree: Tree | None = None,
) -> dict[str, Any]:
    """Top-1 and top-5 with 95 % intervals, calibration error with one, and every class.

    Args:
        probabilities: (N, classes).
        targets: (N,).
        tree: with it also `tree`: the mean height of the mistakes, and coarse accuracies.

    Raises:
        DataError: if a class is not in the tree.
    """
    counts = confusion(probabilities, targets)
    precision, recall = precision_recall(counts)

    def share(k: int) -> dict[str, Any]:
        value = top_k(probabilities, targets, k)
        return {"value": value, "interval": list(wilson_interval(value, len(targets)))}

    found: dict[str, Any] = {
        "images": len(targets),
        "top1": share(1),
        "top5": share(5) if len(classes) > 5 else None,
        "calibration_error": calibration_error(probabilities, targets),
        "calibration_interval": list(
            bootstrap(
                lambda rows: np.array(
                    [calibration_error(probabilities[r], targets[r]) for r in rows]
                ),
                len(targets),
                rounds=500,
            )
        ),
        "classes": [
            {
                "name": name,
                "images": int(counts[k].sum()),
                "precision": p,
                "recall": r,
                "recall_interval": list(wilson_interval(r, int(counts[k].sum())))
                if counts[k].any()
                else None,
            }
            for k, (name, p, r) in enumerate(
                zip(classes, precision.tolist(), recall.tolist(), strict=True)
            )
        ],
    }
    if tree is not None:
        heights = tree.heights(classes)[targets, probabilities.argmax(1)]
        wrong = heights[heights > 0]
        found["tree"] = {
            "depths": coarse_accuracy(probabilities, targets, classes, tree),
            "height_of_mistakes": float(wrong.mean()) if len(wrong) else None,
        }
    return found


def difference(first: Probabilities, second: Probabilities, targets: Targets) -> dict[str, Any]:
    """How far the first is ahead of the second in top-1 on the same images, with its interval."""
    ahead = (first.argmax(1) == targets).astype(float) - (second.argmax(1) == targets)
    low, high = bootstrap(lambda rows: ahead[rows].mean(1), len(targets))
    return {"value": float(ahead.mean()), "interval": [low, high]}


def aligned(
    probabilities: Probabilities, classes: Sequence[str], wanted: Sequence[str]
) -> Probabilities:
    """The columns in another order of the same classes.

    Raises:
        DataError: if they are not the same.
    """
    if set(classes) != set(wanted):
        strange = sorted(set(classes) ^ set(wanted))
        raise DataError(
            "recognizers can be averaged if they know the same classes; "
            f"{', '.join(map(repr, strange[:6]))} {'is' if len(strange) == 1 else 'are'} not in all"
        )
    place = {name: number for number, name in enumerate(classes)}
    return probabilities[:, [place[name] for name in wanted]]
