"""Finding things in pictures: where each is, and what."""

from striate.tasks.detection.detector import Detector, Findings, Found, is_detector
from striate.tasks.detection.learning import DEFAULT, DETECTORS, Learned, learn
from striate.tasks.detection.pictures import Scaled, Scaling
from striate.tasks.detection.task import FASTER_RCNN, Batch, Detection

__all__ = [
    "DEFAULT",
    "DETECTORS",
    "FASTER_RCNN",
    "Batch",
    "Detection",
    "Detector",
    "Findings",
    "Found",
    "Learned",
    "Scaled",
    "Scaling",
    "is_detector",
    "learn",
]
