"""What is answered to a question, and how it is shown."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from striate.tasks import contract


class Said(NamedTuple):
    """An answer and how probable it is held to be."""

    text: str
    probability: float


@dataclass(frozen=True)
class Answer:
    """What is answered to one question about one picture.

    Attributes:
        question: as it was asked.
        said: the answers that were thought of, the best first; at least one.
        looked: whether the picture had a say.
        unknown: words of the question that no training question had.
    """

    question: str
    said: tuple[Said, ...]
    looked: bool
    unknown: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The best answer."""
        return self.said[0].text


NONE = Answer("", (Said("", 0.0),), False)
BLIND = "the picture was not looked at"


@dataclass(frozen=True)
class Prediction(contract.Prediction):
    """The answer to one question."""

    answer: Answer = NONE

    def fields(self, top: int | None) -> dict[str, Any]:
        return {
            "question": self.answer.question,
            "answer": self.answer.text,
            "probability": self.answer.said[0].probability,
            "answers": [one._asdict() for one in self.answer.said[:top]],
            "looked": self.answer.looked,
            "unknown_words": list(self.answer.unknown),
        }

    def line(self, top: int | None) -> str:
        some = self.answer.said[: top or 1]
        words = "; ".join(f"{one.text} {100 * one.probability:.1f} %" for one in some)
        aside = [] if self.answer.looked else [BLIND]
        if self.answer.unknown:
            aside.append(f"unknown: {' '.join(self.answer.unknown)}")
        more = f" ({', '.join(aside)})" if aside else ""
        return f"{self.answer.question} {words}{more}"
