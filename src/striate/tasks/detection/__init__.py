"""Finding things in pictures: where each is, and what."""

from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.comparing import Comparison, comparing
from striate.tasks.detection.detector import Detector, Findings, Found, is_detector
from striate.tasks.detection.finder import Finder
from striate.tasks.detection.learning import (
    COMPARED,
    DEFAULT,
    METHODS,
    Method,
    Outcome,
    learn,
    names,
)
from striate.tasks.detection.measuring import Measured, measured
from striate.tasks.detection.pictures import Scaled, Scaling
from striate.tasks.detection.task import Batch, Detection

__all__ = [
    "COMPARED",
    "DEFAULT",
    "METHODS",
    "Ask",
    "Batch",
    "Comparison",
    "Detection",
    "Detector",
    "Finder",
    "Findings",
    "Found",
    "Learned",
    "Measured",
    "Method",
    "Outcome",
    "Scaled",
    "Scaling",
    "comparing",
    "is_detector",
    "learn",
    "measured",
    "names",
]
