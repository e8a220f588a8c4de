"""Pairs of faces beside the truth: accuracy, the curve, and what LFW's protocol asks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.people import Pairs, People
from striate.errors import DataError
from striate.evaluation.resampling import Rows
from striate.evaluation.verification import (
    accepted_at,
    area_under,
    equal_error,
    fold_accuracies,
    roc,
)
from striate.plain import plain
from striate.tasks.contract import Answered, Scores
from striate.tasks.faces.answers import Embedding

RATES = (1e-2, 1e-3)  # of pairs of two persons that are taken for one


class GroupErrors(NamedTuple):
    """What goes wrong in pairs of which both are of one group, at the threshold of all.

    Attributes:
        error: the share of pairs that are answered wrong.
        accepted: of pairs of two persons, the share that is said to be one; nan without such pairs.
        refused: of pairs of one person, the share that is said to be two, likewise.
    """

    name: str
    pairs: int
    error: float
    accepted: float
    refused: float

    def line(self) -> str:
        """For people."""
        return (
            f"{self.name}: {self.error:.1%} of {self.pairs:,} pairs wrong; of two persons "
            f"{_percent(self.accepted)} accepted, of one {_percent(self.refused)} refused"
        )


def _mean(wrong: NDArray[np.bool_]) -> float:
    return float(wrong.mean()) if len(wrong) else float("nan")


def _percent(share: float) -> str:
    return "none" if np.isnan(share) else f"{share:.1%}"


@dataclass(frozen=True, eq=False)
class PairScores(Scores):
    """Pairs of faces beside the truth. Persons are drawn anew for intervals, and not pairs: the
    pairs of one person stand or fall together.

    Attributes:
        examples: persons.
        pairs: rows of `answered.rows` in pairs.
        similarity, probability: (P,) of the pairs.
        threshold: of the similarity, chosen on validation pairs.
        persons: (P, 2) which of the persons both faces are of, 0 to examples - 1.
        names: of the persons.
        faces: (F,) rows of the set.
        groups: of people, by the numbers of `pairs.group`.
    """

    drawn: ClassVar[str] = "person"
    examples: int
    seconds: float
    broken: tuple[tuple[str, str], ...]
    pairs: Pairs
    similarity: NDArray[np.float64]
    probability: NDArray[np.float64]
    threshold: float
    persons: NDArray[np.int64]
    names: tuple[str, ...]
    faces: tuple[int, ...]
    groups: tuple[str, ...] = ()

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """(P,) whether a pair is answered as it is."""
        found: NDArray[np.bool_] = (self.similarity >= self.threshold) == self.pairs.same
        return found

    @property
    def value(self) -> float:
        return float(self.right.mean())

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        """A pair counts as often as its person was drawn, one of two as often as both together."""
        drawn = np.stack([np.bincount(each, minlength=self.examples) for each in rows])
        first, second = self.persons.T
        weight = np.where(self.pairs.same, drawn[:, first], drawn[:, first] * drawn[:, second])
        total = weight.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = (weight * self.right).sum(1) / total
        return found

    @cached_property
    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares of false and of true pairs that are accepted, at every threshold."""
        return roc(self.similarity, self.pairs.same)

    @property
    def chance(self) -> float:
        """How often the commoner answer, given always, is right."""
        share = float(self.pairs.same.mean())
        return max(share, 1 - share)

    @cached_property
    def by_group(self) -> tuple[GroupErrors, ...]:
        """Of each group that has pairs, in the order of their names."""
        found = []
        for number, name in enumerate(self.groups):
            own = self.pairs.group == number
            if own.any():
                same, wrong = self.pairs.same[own], ~self.right[own]
                found.append(
                    GroupErrors(
                        name, int(own.sum()), *map(_mean, (wrong, wrong[~same], wrong[same]))
                    )
                )
        return tuple(found)

    @cached_property
    def folds(self) -> NDArray[np.float64]:
        """The accuracy in each fold, the threshold chosen on all others; empty without folds."""
        return fold_accuracies(self.similarity, self.pairs.same, self.pairs.fold)

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """ "accuracy", "auc", "eer", "tar@far=0.01", "tar@far=0.001"; "brier" of the probabilities;
        "guessing"; "folds" and "folds_error" (the standard error) where there are several; of each
        group what `GroupErrors` has, as "error@" and its name, "accepted@" and "refused@"."""
        found = {
            "accuracy": self.value,
            "auc": area_under(*self.curve),
            "eer": equal_error(*self.curve),
            **{f"tar@far={rate:g}": accepted_at(*self.curve, rate) for rate in RATES},
            "brier": float(((self.probability - self.pairs.same) ** 2).mean()),
            "guessing": self.chance,
            "pairs": float(len(self.right)),
        }
        for one in self.by_group:
            found |= {f"error@{one.name}": one.error, f"accepted@{one.name}": one.accepted,
                      f"refused@{one.name}": one.refused}  # fmt: skip
        if len(self.folds) > 1:
            error = float(self.folds.std(ddof=1) / len(self.folds) ** 0.5)
            found |= {"folds": float(self.folds.mean()), "folds_error": error}
        return found

    def to_json(self) -> dict[str, Any]:
        known: dict[str, Any] = plain(
            {"metrics": dict(self.metrics), "persons": self.examples, "pairs": len(self.right),
             "threshold": self.threshold, "folds": self.folds.tolist()}
        )  # fmt: skip
        return known

    def lines(self) -> Iterator[str]:
        m = self.metrics
        yield (
            f"{len(self.right):,} pairs of {self.examples:,} persons; always giving the commoner "
            f"answer is right for {self.chance:.1%}"
        )
        if self.is_guessing:
            yield "this cannot be told from guessing: the interval reaches down to it"
        yield f"area under the curve {m['auc']:.3f}, equal error rate {m['eer']:.1%}"
        least = 1 / max(1, int((~self.pairs.same).sum()))
        for rate in RATES:
            note = "" if least <= rate else f" (too few pairs of two persons: 1 is {least:.1%})"
            yield f"of one person accepted, where {rate:.1%} of two are: " \
                  f"{m[f'tar@far={rate:g}']:.1%}{note}"  # fmt: skip
        if len(self.folds) > 1:
            yield (
                f"{len(self.folds)} folds, threshold chosen on the others: {m['folds']:.1%} "
                f"± {m['folds_error']:.1%} (standard error)"
            )
        for one in self.by_group:
            yield one.line()


def scored(answered: Answered, dataset: Dataset[People]) -> PairScores:
    """Embeddings of rows of a set, compared in the pairs of the set.

    Raises:
        DataError: if there is no pair of one person, or none of two.
    """
    rows = np.array(answered.rows, np.int64)
    embeddings: Sequence[Embedding] = answered.answers
    pairs = dataset.targets.pairs(rows)
    if not len(pairs) or pairs.same.all() or not pairs.same.any():
        raise DataError(
            f"{dataset.name}: {int(pairs.same.sum())} pairs of one person and "
            f"{int((~pairs.same).sum())} of two to score; both are needed"
        )
    one = embeddings[0]
    vectors = np.stack([each.vector for each in embeddings])
    similarity = one.metric.similarity(vectors[pairs.first], vectors[pairs.second])
    numbers = dataset.targets.numbers[rows]
    who, place = np.unique(numbers, return_inverse=True)
    return PairScores(
        len(who),
        answered.seconds,
        answered.broken,
        pairs,
        similarity,
        one.calibration.probability(similarity),
        one.calibration.threshold,
        np.stack([place[pairs.first], place[pairs.second]], 1),
        tuple(dataset.targets.people[number] for number in who.tolist()),
        answered.rows,
        dataset.targets.groups,
    )
