"""The parts of a model card that are of tags."""

from typing import Any

from striate.tasks.pictures.card import preprocessing
from striate.tasks.pictures.exported import ExportedPicture
from striate.tasks.tags.predictor import Tagger

LIMITS = (
    "- It has learned the classes above and nothing else; where none is above its threshold, it "
    "says so.",
    "- Thresholds were chosen by F1 on held-out images: where classes are rarer or more "
    "frequent than there, others are better.",
    "- Another camera, light, crop or country may give other scores than those above.",
)
SHOWN = 60  # classes of which thresholds are listed


def sections(recognizer: Any) -> dict[str, list[str]]:
    """Thresholds, preprocessing, and what nobody should expect of it."""
    found, predictor = {}, recognizer.predictor
    if isinstance(predictor, Tagger):
        thresholds = predictor.calibration.thresholds.tolist()
        lines = [
            f"- {name}: {threshold:.3f}"
            for name, threshold in zip(recognizer.names, thresholds, strict=True)
        ]
        more = len(lines) - SHOWN
        lines = [*lines[:SHOWN], *([f"- and {more} more"] if more > 0 else [])]
        found["Thresholds"] = [
            "- a class is there from this probability on (chosen by F1 on held-out images):",
            *lines,
        ]
    if isinstance(predictor, Tagger | ExportedPicture):
        found["Preprocessing"] = preprocessing(predictor.preprocessing)
    return {**found, "What it does not know": list(LIMITS)}
