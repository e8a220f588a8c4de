"""What only key points have to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.keypoints.finder import Finder

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
    reads = [
        "- decoding stays outside: give RGB uint8, upright (EXIF orientation applied), in sRGB, "
        "alpha over white"
    ]
    if isinstance(predictor, Finder):
        normalization = predictor.preprocessing.normalization
        reads = [
            f"- the whole picture, its longer side brought to {predictor.size} pixels, on gray "
            "(inside the file)",
            f"- then (pixel - mean) / deviation: mean {list(normalization.mean)}, deviation "
            f"{list(normalization.std)}" + (", blue first" if normalization.bgr else ""),
            *reads,
        ]
    return {"What it reads": reads, "What it does not know": LIMITS}
