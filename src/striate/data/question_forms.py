"""By what a file of questions about pictures is known, before it is read."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from striate.data.headings import HEADINGS, normal

IMAGE = tuple(name for name in HEADINGS["path"] if name != "id")
QUESTION = ("question", "questions", "question text", "query", "q")
ANSWER = ("answer", "answers", "answer text", "label", "a")
TYPE = ("question type", "answer type", "type", "kind")
ABOUT = re.compile(r"\s*(?:\bin\s+)?(?:\bthe\s+)?\bimage\s*(\d+)\s*\??\s*$", re.IGNORECASE)
SOME = 20  # lines by which a form is known
MOST = 0.7  # share of them that have to be in turn


class Columns(NamedTuple):
    """Which column of a table holds what; -1 where none does."""

    image: int = -1
    question: int = -1
    answer: int = -1
    split: int = -1
    type: int = -1

    @property
    def complete(self) -> bool:
        """Whether there are images, questions and answers."""
        return min(self.image, self.question, self.answer) >= 0


def columns_of(headings: Sequence[str]) -> Columns:
    """What the columns of a table hold, by their headings.

    >>> columns_of(["Split", "image", "question", "answer"])
    Columns(image=1, question=2, answer=3, split=0, type=-1)
    """
    heads = [normal(heading) for heading in headings]
    kinds = (IMAGE, QUESTION, ANSWER, HEADINGS["split"], TYPE)
    return Columns(
        *(next((heads.index(name) for name in names if name in heads), -1) for names in kinds)
    )


def about(line: str) -> tuple[str, str]:
    """A question as DAQUAR has it, without the image that it names, and that.

    >>> about("what is left of the red chair in the image3 ?"), about("table")
    (('what is left of the red chair ?', 'image3'), ('table', ''))
    """
    match = ABOUT.search(line)
    if match is None:
        return line, ""
    return f"{line[: match.start()]} ?".strip(), f"image{match[1]}"


def in_turn(text: str) -> bool:
    """Whether lines are questions about numbered images and their answers, in turn but for a few.

    Args:
        text: the beginning of a file, whose last line may be cut off.
    """
    lines = [line for line in text.splitlines() if line.strip()][:-1][:SOME]
    named = [bool(about(line)[1]) for line in lines]
    turns = sum(first and not second for first, second in pairwise(named))
    return named[:2] == [True, False] and turns >= MOST * len(named) / 2
