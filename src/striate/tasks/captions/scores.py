"""Sentences beside those that people wrote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.names import percent
from striate.evaluation.captions import ORDER, bleu, bleu_counts, cider_d, people, resampled_bleu
from striate.evaluation.resampling import Rows, bootstrap
from striate.plain import plain
from striate.tasks.captions.answers import Answer
from striate.tasks.contract import ROUNDS, Answered, Scores
from striate.texts.caption_words import caption_words

Sentences = Sequence[Sequence[str]]


def of_sentences(given: Sentences, references: Sequence[Sentences]) -> dict[str, float]:
    """BLEU-1 to BLEU-4 of sentences beside those of people."""
    counts = [bleu_counts(one, some) for one, some in zip(given, references, strict=True)]
    values = bleu(np.sum(counts, axis=0))
    return {f"bleu{n}": float(value) for n, value in enumerate(values, 1)}


@dataclass(frozen=True, eq=False)
class Told(Scores):
    """What was said of N pictures beside what people said of them."""

    given: tuple[tuple[str, ...], ...]
    references: tuple[tuple[tuple[str, ...], ...], ...]
    seconds: float
    broken: tuple[tuple[str, str], ...] = ()

    @property
    def examples(self) -> int:  # type: ignore[override]
        return len(self.given)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(N, 2 * ORDER + 2) of `bleu_counts`."""
        pairs = zip(self.given, self.references, strict=True)
        return np.stack([bleu_counts(one, some) for one, some in pairs])

    @cached_property
    def bleus(self) -> NDArray[np.float64]:
        """(ORDER,)."""
        return bleu(self.counts.sum(0))

    @cached_property
    def ciders(self) -> NDArray[np.float64]:
        """(N,) CIDEr-D of each sentence."""
        return cider_d(self.given, self.references)

    @property
    def value(self) -> float:
        """BLEU-4."""
        return float(self.bleus[-1])

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        return resampled_bleu(self.counts, np.asarray(rows))[:, -1]

    @cached_property
    def people(self) -> NDArray[np.float64] | None:
        """(ORDER,) BLEU of each person beside the others; None where pictures have one sentence."""
        return people(self.references)

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        found = {f"bleu{n}": float(value) for n, value in enumerate(self.bleus, 1)}
        lengths = [len(one) for one in self.given]
        return {
            **found,
            "cider_d": float(self.ciders.mean()),
            "words": float(np.mean(lengths)),
            "different": len(set(self.given)) / len(self.given),
            **({} if self.people is None else
               {f"people_bleu{n}": float(value) for n, value in enumerate(self.people, 1)}),
        }  # fmt: skip

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Of each BLEU, and of CIDEr-D with the same weights of n-grams, 95 %."""
        found = {
            f"bleu{n}": bootstrap(
                lambda rows, n=n: resampled_bleu(self.counts, rows)[:, n - 1],  # type: ignore[misc]
                self.examples, rounds=ROUNDS,
            )
            for n in range(1, ORDER + 1)
        }  # fmt: skip
        found["cider_d"] = bootstrap(
            lambda rows: self.ciders[rows].mean(1), self.examples, rounds=ROUNDS
        )
        return found

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain({"metrics": dict(self.metrics), "intervals": self.intervals})
        return found

    def lines(self) -> Iterable[str]:
        for n in range(1, ORDER + 1):
            low, high = self.intervals[f"bleu{n}"]
            person = "" if self.people is None else f"; people {percent(self.people[n - 1])}"
            yield (
                f"BLEU-{n} {percent(self.bleus[n - 1])} ({percent(low)} to {percent(high)}){person}"
            )
        low, high = self.intervals["cider_d"]
        yield f"CIDEr-D {self.ciders.mean():.3f} ({low:.3f} to {high:.3f}), of 10"
        yield (
            f"{self.metrics['words']:.1f} words a sentence; "
            f"{percent(self.metrics['different'])} of the sentences are different"
        )


def scored(answered: Answered, dataset: Dataset[Any]) -> Told:
    """Answers to rows of a set beside its sentences."""
    answers: Sequence[Answer] = answered.answers
    return Told(
        tuple(tuple(answer.words) for answer in answers),
        tuple(
            tuple(tuple(caption_words(one)) for one in dataset.targets.sentences[row])
            for row in answered.rows
        ),
        answered.seconds,
        answered.broken,
    )
