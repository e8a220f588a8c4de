"""All numbers of one answer to a set of images, as plain values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError
from striate.evaluation.classification import (
    calibration_error,
    calibration_gaps,
    confusion,
    in_top_k,
    precision_recall,
    wilson_interval,
)
from striate.evaluation.resampling import Rows, bootstrap, bootstrap_mean
from striate.evaluation.trees import Tree, coarse_accuracy, hierarchical_error

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

    `interval` is Wilson's and `bootstrap` what drawing the images again gives: the two agree where
    there are many. Of a class, precision is a share of the images that were given its name.

    Args:
        probabilities: (N, classes).
        targets: (N,).
        tree: with it also `tree`: the hierarchical error, the mean height of the mistakes, and
            coarse accuracies.

    Raises:
        DataError: if a class is not in the tree.
    """
    counts = confusion(probabilities, targets)
    precision, recall = precision_recall(counts)
    true, given = counts.sum(1).tolist(), counts.sum(0).tolist()

    def share(k: int) -> dict[str, Any]:
        right = in_top_k(probabilities, targets, k)
        value = float(right.mean())
        return {
            "value": value,
            "interval": list(wilson_interval(value, len(targets))),
            "bootstrap": list(bootstrap_mean(right.astype(float))),
        }

    found: dict[str, Any] = {
        "images": len(targets),
        "top1": share(1),
        "top5": share(5) if len(classes) > 5 else None,
        "calibration_error": calibration_error(probabilities, targets),
        "calibration_interval": list(calibration_interval(probabilities, targets)),
        "classes": [
            {
                "name": name,
                "images": true[k],
                "precision": p,
                "recall": r,
                "precision_interval": _interval(p, given[k]),
                "recall_interval": _interval(r, true[k]),
            }
            for k, (name, p, r) in enumerate(
                zip(classes, precision.tolist(), recall.tolist(), strict=True)
            )
        ],
    }
    if tree is not None:
        heights = hierarchical_error(probabilities, targets, classes, tree)
        wrong = heights[~in_top_k(probabilities, targets)]
        found["tree"] = {
            "depths": coarse_accuracy(probabilities, targets, classes, tree),
            "hierarchical_error": float(heights.mean()),
            "height_of_mistakes": float(wrong.mean()) if len(wrong) else None,
        }
    return found


def _interval(share: float, count: int) -> list[float] | None:
    return list(wilson_interval(share, count)) if count else None


def calibration_interval(
    probabilities: Probabilities, targets: Targets, *, bins: int = 15, rounds: int = 500
) -> tuple[float, float]:
    """The percentile interval of the expected calibration error.

    Drawing again adds noise to every bin, and its absolute value can only grow by that: the
    interval lies a little high, the more so the fewer the images.
    """
    place, gap = calibration_gaps(probabilities, targets, bins=bins)

    def errors(rows: Rows) -> NDArray[np.float64]:
        cells = place[rows] + bins * np.arange(len(rows))[:, None]
        sums = np.bincount(cells.ravel(), weights=gap[rows].ravel(), minlength=bins * len(rows))
        return np.abs(sums.reshape(len(rows), bins)).sum(1) / len(targets)

    return bootstrap(errors, len(targets), rounds=rounds)


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
