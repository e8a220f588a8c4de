"""The four ways to recognize images, and their comparison on one set."""

from striate.approaches.compare import Comparison, Row, compare, comparing
from striate.approaches.outcome import Ask, Learned, Outcome
from striate.approaches.run import APPROACHES, Approach, run_approach, view_of

__all__ = [
    "APPROACHES",
    "Approach",
    "Ask",
    "Comparison",
    "Learned",
    "Outcome",
    "Row",
    "compare",
    "comparing",
    "run_approach",
    "view_of",
]
