"""The parts of a model card that are of labels."""

from typing import Any

from striate.tasks.classification.exported import Exported
from striate.tasks.classification.predictor import Classifier
from striate.tasks.pictures.card import preprocessing

LIMITS = (
    "- It has learned the classes above and nothing else; of another thing it can answer only that "
    "it is none of these, and it will miss some.",
    "- Another camera, light, crop or country may give other scores than those above.",
    "- Probabilities are calibrated on average, not for every class or kind of picture.",
)


def sections(recognizer: Any) -> dict[str, list[str]]:
    """Confidence, preprocessing, and what nobody should expect of it."""
    found, predictor = {}, recognizer.predictor
    if isinstance(predictor, Classifier):
        found["Confidence"] = confidence(predictor, recognizer.provenance)
    if isinstance(predictor, Classifier | Exported):
        found["Preprocessing"] = preprocessing(predictor.preprocessing)
    return {**found, "What it does not know": list(LIMITS)}


def confidence(predictor: Classifier, provenance: dict[str, Any]) -> list[str]:
    """How its probabilities were calibrated, and when it answers "none of these"."""
    known = predictor.familiarity
    rule = (
        f"the largest probability is below {predictor.calibration.threshold:.4f}"
        if known is None
        else "the cosine between its features and the nearest class's mean direction is below "
        f"{known.threshold:.4f}"
    )
    return [
        f"- temperature: {predictor.calibration.temperature:.4f}, fitted on validation images",
        f"- expected calibration error on the test images: {_error(provenance)}",
        f'- "none of these" where {rule}; 95 % of the validation images are kept',
    ]


def _error(provenance: dict[str, Any]) -> str:
    try:
        return f"{provenance['test']['metrics']['calibration_error']:.3f}"
    except (LookupError, TypeError, ValueError):  # a file may hold anything
        return "not recorded"
