"""A caption, and how it is shown."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.tasks import contract
from striate.texts.caption_words import sentence_of

Words = tuple[str, ...]


class Answer(NamedTuple):
    """What is said of a picture.

    Attributes:
        words: in lower case, without marks.
        score: the logarithm of their probability; nan where there is none.
        others: further sentences, the best first, with their scores.
        maps: (words, rows, columns) how much of each part of the picture each word was given with;
            None where the predictor does not attend.
    """

    words: Words
    score: float = math.nan
    others: tuple[tuple[Words, float], ...] = ()
    maps: NDArray[np.float32] | None = None


NOTHING = Answer(())


def told(words: Words, score: float) -> dict[str, Any]:
    """A sentence as JSON has it."""
    found: dict[str, Any] = {"caption": sentence_of(list(words))}
    return found if math.isnan(score) else {**found, "log_probability": score}


@dataclass(frozen=True)
class Caption(contract.Prediction):
    """A sentence about a picture."""

    answer: Answer = NOTHING

    @property
    def text(self) -> str:
        """The sentence."""
        return sentence_of(list(self.answer.words))

    def fields(self, top: int | None) -> dict[str, Any]:
        """The sentence, its score, and of the others the best: `top` sentences in all."""
        others = self.answer.others if top is None else self.answer.others[: top - 1]
        found = told(self.answer.words, self.answer.score)
        return {**found, "others": [told(*one) for one in others]} if others else found

    def line(self, top: int | None) -> str:
        return self.text or "(no words)"
