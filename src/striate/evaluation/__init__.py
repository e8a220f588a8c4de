"""From predictions to numbers; nothing here trains."""

from striate.evaluation.classification import (
    calibration_error,
    confusion,
    paired_difference,
    precision_recall,
    top_k,
    wilson_interval,
)

__all__ = [
    "calibration_error",
    "confusion",
    "paired_difference",
    "precision_recall",
    "top_k",
    "wilson_interval",
]
