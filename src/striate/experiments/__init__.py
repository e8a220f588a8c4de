"""Published numbers, run again: each experiment is one short file made of public calls.

`striate reproduce` lists them, `striate reproduce NAME` runs one and sets what was published beside
what was found.
"""

from striate.experiments.result import Experiment, Line, Panel, Result, Row
from striate.experiments.table import EXPERIMENTS

__all__ = ["EXPERIMENTS", "Experiment", "Line", "Panel", "Result", "Row"]
