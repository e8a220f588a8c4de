"""What the methods of this task have in common."""

from collections.abc import Sequence
from typing import Any

from striate.data import Dataset
from striate.data.questions import ReadQuestions
from striate.tasks.questions.inputs import Prepared, words_of
from striate.tasks.questions.scores import right_of


def measured(
    answers: Sequence[str], dataset: Dataset[Any], rows: Sequence[int]
) -> dict[str, float]:
    """The accuracy of answers to rows of a set."""
    right = right_of(answers, (dataset.targets.texts[row] for row in rows))
    return {"accuracy": float(right.mean()) if len(right) else 0.0}


def asked_of(data: ReadQuestions, rows: Sequence[int], predictor: Any) -> list[Prepared]:
    """Rows of prepared data as the predictor takes them; pixels are those that are there anyway."""
    view = None if predictor.preprocessing is None else predictor.preprocessing.view
    found = []
    for row in rows:
        question = data.dataset.inputs[row][1]
        pixels = None if view is None else data.pixels[view][data.pictures[row]]
        found.append(Prepared(question, words_of(question, predictor.tokenizer), pixels))
    return found
