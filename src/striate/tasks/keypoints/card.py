"""What only key points have to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.keypoints.finder import Finder
from striate.tasks.pictures.card import DECODING, whole_picture

LIMITS = [
    "- It gives a place to every part, hidden ones and those beyond the picture too; their score, "
    "the probability of the place to be within a fifth of the length that errors are measured by, "
    "is lower.",
    "- One thing a picture: cut several apart first, as the pictures that it learned from were.",
    "- Neighboring frames of a video are nearly the same picture; scores on them say little of "
    "other videos.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    reads = [DECODING]
    if isinstance(predictor, Finder):
        shape = f"its longer side brought to {predictor.size} pixels, on gray (inside the file)"
        reads = whole_picture(shape, predictor.preprocessing.normalization)
    return {"What it reads": reads, "What it does not know": LIMITS}
