"""What only faces have to say on a model card."""

import math
from collections.abc import Mapping
from typing import Any

from striate.pages.markdown import plain
from striate.tasks.contract import Predictor
from striate.tasks.faces.predictor import Matcher

ERROR = "error@"  # and the name of a group: `PairScores.metrics`
NO_GROUPS = "- The test pairs have no groups: give them a column `group`."
LIMITS = [
    "- It says whether two faces look like one person's to it; it proves nothing about who a "
    "person is. Do not let it alone decide anything that matters to somebody.",
    "- Ask the people whose faces you learn from or look up; in many places the law demands it.",
    "- Errors differ between groups of people, and the score above does not show how. Score it on "
    "each group that it will meet, apart.",
    "- The probability holds where as many pairs are of one person as of two.",
]


def sections(predictor: Predictor, provenance: Mapping[str, Any]) -> dict[str, list[str]]:
    """Titles to lines of Markdown.

    Args:
        provenance: of the recognizer, with its scores on the test pairs if it has any.
    """
    if not isinstance(predictor, Matcher):
        return {"What it does not know": LIMITS}
    how = {
        "frontal": "MTCNN finds the face and five landmarks, by which it is turned to the front.",
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
        "Errors by group": by_group(provenance),
        "What it does not know": LIMITS,
    }


def by_group(provenance: Mapping[str, Any]) -> list[str]:
    """A line for each group that the test pairs are labeled with."""
    try:
        metrics = {name: number(one) for name, one in provenance["test"]["metrics"].items()}
        found = [
            f"- {plain(name)}: {metrics[ERROR + name]} of its pairs are wrong; of those of "
            f"two persons {metrics['accepted@' + name]} are accepted, of one "
            f"{metrics['refused@' + name]} refused"
            for name in (one.removeprefix(ERROR) for one in metrics if one.startswith(ERROR))
        ]
    except (LookupError, TypeError, ValueError, AttributeError):  # a file may hold anything
        found = []
    return found or [NO_GROUPS]


def number(value: Any) -> str:
    """A share; where a group has no such pairs there is none.

    >>> number(0.25), number(None)
    ('25.0%', 'unknown')
    """
    return "unknown" if value is None or math.isnan(value) else f"{value:.1%}"
