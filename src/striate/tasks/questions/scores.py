"""How right answers are: accuracy and WUPS over questions, with intervals over pictures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.names import counted, percent
from striate.data.questions import Answers, Questions, items_of
from striate.evaluation.resampling import Rows
from striate.evaluation.wordnet import VARIABLE, WordNet
from striate.evaluation.wups import Wups, agreement, equal, set_score
from striate.tasks.contract import Answered, Scores
from striate.tasks.questions.answers import Answer
from striate.tasks.questions.kinds import kind_of

THRESHOLDS = {"wups_0.9": 0.9, "wups_0.0": 0.0}
VQA = "vqa_accuracy"
NO_WORDNET = (
    "WUPS is left out, for there is no WordNet here: install Debian's package wordnet-base, or "
    f"name a folder in {VARIABLE}"
)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QuestionScores(Scores):
    """Answers to N questions about M pictures. An example, as it is drawn anew for intervals, is a
    picture with all its questions, for those are not independent of each other.

    Attributes:
        answers: (N,)
        truths: (N,) in the form of `plain_answer`.
        right: (N,) 1 where the words of both are the same.
        further: of each further metric, (N,) numbers; nan where a question has none.
        kinds: (N,) what is asked for.
        pictures: (N,) numbers of the pictures, from 0 without gaps.
        known: whether there was a WordNet.
    """

    drawn: ClassVar[str] = "picture"
    answers: tuple[Answer, ...]
    truths: tuple[str, ...]
    right: Floats
    further: Mapping[str, Floats]
    kinds: tuple[str, ...]
    pictures: NDArray[np.int64]
    known: bool
    seconds: float
    broken: tuple[tuple[str, str], ...]

    @property
    def examples(self) -> int:  # type: ignore[override]
        return int(self.pictures.max(initial=-1)) + 1

    @cached_property
    def of_each(self) -> Floats:
        """(M, 2) right answers and questions of each picture."""
        right = np.bincount(self.pictures, self.right, minlength=self.examples)
        count = np.bincount(self.pictures, minlength=self.examples)
        return np.stack([right, count.astype(np.float64)], 1)

    @property
    def value(self) -> float:
        return float(self.right.mean()) if len(self.right) else 0.0

    def resampled(self, rows: Rows) -> Floats:
        right, count = self.of_each[np.asarray(rows)].sum(1).T
        found: Floats = right / np.maximum(count, 1.0)
        return found

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        means = {name: _mean(values) for name, values in self.further.items()}
        return {"accuracy": self.value, **means, "questions": float(len(self.truths))}

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[int, float]]:
        """Questions and accuracy of each kind, the commonest first."""
        found = {}
        for kind in set(self.kinds):
            rows = np.array([one == kind for one in self.kinds])
            found[kind] = int(rows.sum()), float(self.right[rows].mean())
        return dict(sorted(found.items(), key=lambda one: (-one[1][0], one[0])))

    def to_json(self) -> dict[str, Any]:
        kinds = {
            kind: {"questions": count, "accuracy": share}
            for kind, (count, share) in self.by_kind.items()
        }
        return {"metrics": dict(self.metrics), "kinds": kinds}

    def lines(self) -> Iterable[str]:
        yield f"{counted(len(self.truths), 'question')} about {counted(self.examples, 'picture')}"
        for kind, (count, share) in self.by_kind.items():
            yield f"{kind}: {percent(share)} of {counted(count, 'question')}"
        if self.known:
            near, far = (self.metrics[name] for name in THRESHOLDS)
            yield f"WUPS@0.9 {percent(near)}, WUPS@0.0 {percent(far)}"
        else:
            yield NO_WORDNET
        if not np.isnan(self.metrics[VQA]):
            yield f"accuracy beside several people: {percent(self.metrics[VQA])}"


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def right_of(answers: Iterable[str], truths: Iterable[str]) -> Floats:
    """(N,) 1 where the words of an answer are those of the truth, else 0."""
    pairs = zip(answers, truths, strict=True)
    return np.array([set_score(items_of(a), items_of(t), equal) for a, t in pairs], np.float64)


def scored(
    answered: Answered, dataset: Dataset[Answers], wordnet: WordNet | None
) -> QuestionScores:
    """Answers beside the truth.

    Args:
        wordnet: by which WUPS is measured; None leaves it out.
    """
    targets, inputs = dataset.targets, dataset.inputs
    assert isinstance(inputs, Questions)
    rows = np.asarray(answered.rows, np.int64)
    answers: tuple[Answer, ...] = tuple(answered.answers)
    said = [answer.text for answer in answers]
    truths = tuple(targets.texts[row] for row in rows.tolist())
    nothing = np.full(len(rows), np.nan)
    further: dict[str, Floats] = dict.fromkeys(THRESHOLDS, nothing)
    if wordnet is not None:
        pairs = [(items_of(a), items_of(t)) for a, t in zip(said, truths, strict=True)]
        for name, threshold in THRESHOLDS.items():
            near = Wups(wordnet, threshold)
            further[name] = np.array([set_score(a, t, near) for a, t in pairs], np.float64)
    people = [targets.people[row] for row in rows.tolist()]
    agreed = [agreement(a, some) if len(some) > 1 else np.nan
              for a, some in zip(said, people, strict=True)]  # fmt: skip
    further[VQA] = np.array(agreed, np.float64)
    groups = rows if dataset.groups is None else dataset.groups[rows]
    return QuestionScores(
        answers=answers,
        truths=truths,
        right=right_of(said, truths),
        further=further,
        kinds=tuple(targets.types[row] or kind_of(inputs.asked[row]) for row in rows.tolist()),
        pictures=np.unique(groups, return_inverse=True)[1].astype(np.int64),
        known=wordnet is not None,
        seconds=answered.seconds,
        broken=answered.broken,
    )
