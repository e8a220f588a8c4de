"""The main job, for any task: methods learned and tested on one set, in one table, with advice."""

from striate.comparing._compare import compare, comparisons
from striate.comparing._learn import learn
from striate.comparing.comparison import Comparison, data_to_json
from striate.comparing.expecting import Expected
from striate.comparing.outcome import Outcome
from striate.comparing.rows import Row
from striate.comparing.wishes import Wishes

__all__ = [
    "Comparison",
    "Expected",
    "Outcome",
    "Row",
    "Wishes",
    "compare",
    "comparisons",
    "data_to_json",
    "learn",
]
