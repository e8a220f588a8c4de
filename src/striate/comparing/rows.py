"""What the table says of a method: means over its seeds, and the recognizer that is handed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.comparing.outcome import Outcome
from striate.errors import DataError
from striate.plain import plain
from striate.recognizer import Recognizer
from striate.tasks.contract import Scores, interval


@dataclass(frozen=True, eq=False)
class Row:
    """A method in the table.

    Attributes:
        score: the task's main score on the test examples, the mean over the seeds.
        interval: where the score of other examples of the kind is expected, 95 %.
        score_std: the standard deviation between the seeds; None where there is one seed.
        metrics: further numbers, each the mean over the seeds.
        seconds: to learn, the mean over the seeds.
        seconds_per_example: to answer one.
        outcomes: one a seed.
        chosen: the outcome with the best score on the validation examples, whose recognizer is
            handed over.
    """

    name: str
    score: float
    interval: tuple[float, float]
    score_std: float | None
    metrics: Mapping[str, float]
    seconds: float
    seconds_per_example: float
    outcomes: tuple[Outcome, ...]
    scores: tuple[Scores, ...]
    chosen: Outcome

    @property
    def title(self) -> str:
        """As people call the method."""
        return self.chosen.method.title

    @property
    def recognizer(self) -> Recognizer:
        """What is handed over."""
        return self.chosen.recognizer

    @property
    def seeds(self) -> int:
        """How often it has learned."""
        return len(self.outcomes)

    @property
    def parameters(self) -> int:
        """How many numbers the recognizer has learned."""
        return self.recognizer.predictor.parameters

    @property
    def memory(self) -> int:
        """The most that the process held, in bytes."""
        return max(outcome.memory for outcome in self.outcomes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the chosen run."""
        return self.chosen.learned.notes

    @property
    def broken(self) -> tuple[tuple[str, str], ...]:
        """Test examples that could not be read, with reasons."""
        return tuple({pair: None for one in self.outcomes for pair in one.broken})

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values; what is not a number is null."""
        known: dict[str, Any] = plain(
            {
                **self.chosen.to_json(),
                "score": self.score,
                "interval": self.interval,
                "score_std": self.score_std,
                "metrics": dict(self.metrics),
                "seconds": self.seconds,
                "seconds_per_example": self.seconds_per_example,
                "seeds": self.seeds,
                "memory": self.memory,
                "broken": [{"name": name, "reason": reason} for name, reason in self.broken],
            }
        )
        return known


def rows_of(outcomes: Sequence[Outcome]) -> tuple[Row, ...]:
    """One row a method, in the order in which they were learned, all scored on the same examples.

    Raises:
        DataError: if no test example was answered by all.
    """
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.name, []).append(outcome)
    shared = _shared(outcomes)
    return tuple(_row(name, some, shared) for name, some in groups.items())


def chosen_of(outcomes: Sequence[Outcome]) -> Outcome:
    """The seed with the best score on the validation examples, the first of equal ones; the test
    has no say in it."""
    return max(outcomes, key=lambda one: np.nan_to_num(one.validation, nan=-np.inf))


def _shared(outcomes: Sequence[Outcome]) -> tuple[int, ...]:
    """The test examples that every run has answered: a file may be gone meanwhile.

    Raises:
        DataError: if there is none.
    """
    answered = [set(one.answered.rows) for one in outcomes if one.answered is not None]
    if not answered or not (rows := set.intersection(*answered)):
        raise DataError(f"{outcomes[0].data.dataset.name}: no test example to compare on")
    return tuple(sorted(rows))


def _row(name: str, outcomes: Sequence[Outcome], shared: tuple[int, ...]) -> Row:
    scores = tuple(outcome.scored_on(shared) for outcome in outcomes)
    values = [each.value for each in scores]
    names = dict.fromkeys(key for each in scores for key in each.metrics)
    return Row(
        name,
        score=float(np.mean(values)),
        interval=interval(scores),
        score_std=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        metrics={key: _mean([each.metrics.get(key, float("nan")) for each in scores])
                 for key in names},
        seconds=float(np.mean([outcome.seconds for outcome in outcomes])),
        seconds_per_example=float(np.mean([each.seconds for each in scores])),
        outcomes=tuple(outcomes),
        scores=scores,
        chosen=chosen_of(outcomes),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    """Of those that are numbers; nan where none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
