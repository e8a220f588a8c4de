"""What can be learned: each task is a folder of its own, and none imports another.

`contract` says what a task owes, `table` has a line for each.
"""

from striate.tasks.contract import (
    Ask,
    Learned,
    Method,
    Plan,
    Prediction,
    Predictor,
    Scores,
    Task,
)

__all__ = ["Ask", "Learned", "Method", "Plan", "Prediction", "Predictor", "Scores", "Task"]
