"""One method with one seed, learned and tested."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from striate.data import Prepared
from striate.plain import plain
from striate.recognizer import Recognizer
from striate.tasks.contract import Answered, Learned, Method, Scores


@dataclass(frozen=True, eq=False)
class Outcome:
    """One method with one seed.

    Attributes:
        name: of the method in its task.
        recognizer: what was learned, ready to be used.
        data: what it was learned from and tested on.
        memory: the most that the process held meanwhile, in bytes.
        answered: the test examples; None where there are none.
        folder: of the run, with what the method itself keeps there.
    """

    name: str
    method: Method
    seed: int
    recognizer: Recognizer
    learned: Learned
    data: Prepared
    memory: int
    answered: Answered | None = None
    folder: Path | None = None

    @cached_property
    def scores(self) -> Scores | None:
        """On the test examples; None where there are none."""
        return None if self.answered is None else self.scored(self.answered)

    def scored(self, answered: Answered) -> Scores:
        """On some of them."""
        return self.recognizer.task.scores(answered, self.data.dataset, self.recognizer.names)

    def scored_on(self, rows: Iterable[int]) -> Scores:
        """On these test examples, which it has answered.

        Raises:
            ValueError: if there is no answer to one of them.
        """
        assert self.answered is not None
        assert self.scores is not None
        wanted = tuple(rows)
        if wanted == self.answered.rows:
            return self.scores
        place = {row: number for number, row in enumerate(self.answered.rows)}
        answers = [self.answered.answers[place[row]] for row in wanted]
        return self.scored(self.answered._replace(rows=wanted, answers=answers))

    @property
    def broken(self) -> tuple[tuple[str, str], ...]:
        """Test examples that could not be read, with reasons."""
        return () if self.answered is None else self.answered.broken

    @property
    def seconds(self) -> float:
        """What learning took."""
        return sum(self.learned.seconds.values())

    @property
    def validation(self) -> float:
        """The task's score on the validation examples, by which one of several seeds is chosen."""
        return self.learned.validation.get(self.recognizer.task.score, float("nan"))

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values; null is what is not a number, or not known without a test."""
        scores = self.scores
        known: dict[str, Any] = plain(
            {
                **(scores.to_json() if scores else {}),
                "method": self.name,
                "approach": self.method.approach,
                "network": self.learned.network,
                "score": scores.value if scores else None,
                "interval": scores.interval if scores else None,
                "metrics": dict(scores.metrics) if scores else {},
                "seconds": self.seconds,
                "seconds_per_example": scores.seconds if scores else None,
                "seeds": 1,
                "seed": self.seed,
                "parameters": self.recognizer.predictor.parameters,
                "memory": self.memory,
                "notes": self.learned.notes,
                "broken": [{"name": name, "reason": reason} for name, reason in self.broken],
                "stages": dict(self.learned.seconds),
                "validation": dict(self.learned.validation),
                "history": [dict(row) for row in self.learned.history],
            }
        )
        return known
