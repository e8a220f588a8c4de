"""What only segmentation has to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.pictures.card import whole_picture
from striate.tasks.segmentation.reading import DEVIATION, MEAN
from striate.tasks.segmentation.segmenter import Segmenter

LIMITS = [
    "- It has learned the classes above and nothing else: every pixel is given one of them.",
    "- Neighboring frames of a video are nearly the same picture; scores on them say little of "
    "other videos.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    return {"What it reads": reads(predictor), "What it does not know": LIMITS}


def reads(predictor: Predictor) -> list[str]:
    """From a decoded picture to what the network takes."""
    if not isinstance(predictor, Segmenter):
        return whole_picture()
    reading = predictor.reading
    shape = (
        "at its own scale"
        if reading.side is None
        else f"its longer side brought to {reading.side} pixels, bicubic with antialiasing (inside "
        "the file)"
    )
    if reading.evened:
        shape = f"each channel brought to mean {MEAN:g} and deviation {DEVIATION:g}, {shape}"
    return whole_picture(shape, reading.normalization)
