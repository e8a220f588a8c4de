"""What only detection has to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.detection.networks import NetworkPredictor
from striate.tasks.pictures.card import whole_picture

LIMITS = [
    "- It has learned the classes above and nothing else; other objects it misses, or takes for "
    "one of these.",
    "- A score orders detections; it is not a calibrated probability.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    return {"What it reads": reads(predictor), "What it does not know": LIMITS}


def reads(predictor: Predictor) -> list[str]:
    """From a decoded picture to what the network takes."""
    if not isinstance(predictor, NetworkPredictor):
        return whole_picture()
    scaling = predictor.scaling
    shape = (
        f"stretched to {scaling.side} x {scaling.side} pixels"
        if scaling.stretched
        else f"its longer side brought to {scaling.side} pixels"
    )
    return whole_picture(
        f"{shape}, bicubic with antialiasing (inside the file)", scaling.normalization
    )
