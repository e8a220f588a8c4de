"""What is answered to a recording: words with their times."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from striate.tasks.contract import Prediction


class Word(NamedTuple):
    """A word that was found.

    Attributes:
        begin, end: seconds from the start of the recording.
        confidence: the geometric mean, over its frames, of how probable the state on its path is;
            for mixtures, among all states alike. It compares words; it is not calibrated.
    """

    text: str
    begin: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Answer:
    """What was found in one recording of so many seconds."""

    words: tuple[Word, ...]
    seconds: float

    @property
    def text(self) -> str:
        """All words."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Transcript(Prediction):
    """What is said in one recording."""

    answer: Answer = Answer((), 0.0)

    def fields(self, top: int | None) -> dict[str, Any]:
        return {
            "text": self.answer.text,
            "seconds": round(self.answer.seconds, 3),
            "words": [
                {
                    "word": word.text,
                    "begin": round(word.begin, 3),
                    "end": round(word.end, 3),
                    "confidence": round(word.confidence, 4),
                }
                for word in self.answer.words
            ],
        }

    def line(self, top: int | None) -> str:
        return self.answer.text or "(no words)"
