"""What a check sees in questions about pictures: those that are asked twice about one picture."""

from typing import Any

import numpy as np

from striate import pages
from striate.checking.duplicates import Pairs
from striate.checking.findings import Copies
from striate.checking.kind import Examined, Kind
from striate.checking.texts import words_of
from striate.data import Dataset
from striate.data.questions import ReadQuestions, read_questions
from striate.errors import ImageError
from striate.images import View, read

LOOKED = View(32, fit="squash")  # in which pictures are only seen to be readable


def examine(dataset: Dataset[Any], *, deep: bool) -> Examined:
    """All there is to see in questions; pictures of a set are looked at for being readable.

    Args:
        deep: changes nothing.
    """
    data = read_questions(dataset, [LOOKED])
    return Examined(
        data.dataset, copies(data), (), lambda: np.zeros((len(data.dataset), 1), np.float32)
    )


def copies(data: ReadQuestions) -> Pairs:
    """The same words asked about the same picture."""
    dataset = data.dataset
    groups = np.arange(len(dataset)) if dataset.groups is None else dataset.groups
    first: dict[tuple[int, str], int] = {}
    found: list[tuple[int, int, bool]] = []
    for row, group in enumerate(groups.tolist()):
        question = dataset.inputs[row][1]
        before = first.setdefault((group, " ".join(words_of(question))), row)
        if before != row:
            found.append((before, row, dataset.inputs[before][1] == question))
    rows = np.array([pair[:2] for pair in found], np.int64).reshape(-1, 2)
    return Pairs(
        rows[:, 0],
        rows[:, 1],
        np.ones(len(found), np.float32),
        np.array([pair[2] for pair in found], np.bool_),
        np.zeros(len(found), np.bool_),
    )


def shown(dataset: Dataset[Any], row: int) -> dict[str, Any]:
    """A question with its picture for a page."""
    from PIL import Image

    file, question = dataset.inputs[row]
    try:
        return {"picture": pages.embedded(Image.fromarray(read(file))), "text": question}
    except ImageError:
        return {"text": question}


def likeness(copies: Copies) -> str:
    """In what members of a group are the same."""
    return "word for word" if copies.exact else "the same words"


QUESTIONS = Kind("question", {}, examine, copies, shown, likeness)
