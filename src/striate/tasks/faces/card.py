"""What only faces have to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.faces.predictor import Matcher

LIMITS = [
    "- It says whether two faces look like one person's to it; it proves nothing about who a "
    "person is. Do not let it alone decide anything that matters to somebody.",
    "- Ask the people whose faces you learn from or look up; in many places the law demands it.",
    "- Errors differ between groups of people, and the score above does not show how. Score it on "
    "each group that it will meet, apart.",
    "- The probability holds where as many pairs are of one person as of two.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    if not isinstance(predictor, Matcher):
        return {"What it does not know": LIMITS}
    how = {
        "landmarks": "MTCNN finds the face and five landmarks; a similarity lines them up.",
        "middle": "Nothing finds the face: the middle of the picture is taken for it.",
    }[predictor.aligner.mode]
    calibration = predictor.calibration
    return {
        "What it reads": [
            f"- Two pictures. {how}",
            f"- They are compared by {predictor.metric.kind}; from {calibration.threshold:.4g} on "
            "they are said to be the same person, in a gallery from "
            f"{calibration.strict:.4g} on.",
        ],
        "What it does not know": LIMITS,
    }
