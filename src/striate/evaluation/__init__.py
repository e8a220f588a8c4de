"""From predictions to numbers; nothing here trains."""

from striate.evaluation.classification import (
    calibration_error,
    confusion,
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
from striate.evaluation.retrieval import ranked_average_precision
from striate.evaluation.scoring import aligned, calibration_interval, scores
from striate.evaluation.trees import Tree, coarse_accuracy, hierarchical_error, open_tree

__all__ = [
    "Tree",
    "aligned",
    "average_precision",
    "bootstrap",
    "bootstrap_mean",
    "calibration_error",
    "calibration_interval",
    "coarse_accuracy",
    "confusion",
    "hierarchical_error",
    "mean_average_precision",
    "open_tree",
    "precision_recall",
    "precision_recall_curve",
    "ranked_average_precision",
    "scores",
    "top_k",
    "wilson_interval",
]
