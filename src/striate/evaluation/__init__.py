"""From predictions to numbers; nothing here trains."""

from striate.evaluation.classification import (
    calibration_error,
    confusion,
    paired_difference,
    precision_recall,
    top_k,
    wilson_interval,
)
from striate.evaluation.multilabel import (
    average_precision,
    mean_average_precision,
    precision_recall_curve,
)
from striate.evaluation.resampling import bootstrap, bootstrap_mean
from striate.evaluation.scoring import aligned, calibration_interval, difference, scores
from striate.evaluation.trees import Tree, coarse_accuracy, open_tree
from striate.evaluation.windows import Looks, averaged, looked_at

__all__ = [
    "Looks",
    "Tree",
    "aligned",
    "average_precision",
    "averaged",
    "bootstrap",
    "bootstrap_mean",
    "calibration_error",
    "calibration_interval",
    "coarse_accuracy",
    "confusion",
    "difference",
    "looked_at",
    "mean_average_precision",
    "open_tree",
    "paired_difference",
    "precision_recall",
    "precision_recall_curve",
    "scores",
    "top_k",
    "wilson_interval",
]
