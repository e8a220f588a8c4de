"""How good transcripts are: word errors, with intervals over recordings and over speakers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.resampling import Rows, bootstrap
from striate.evaluation.word_errors import WordErrors, word_errors
from striate.tasks.contract import ROUNDS, Scores
from striate.tasks.speech.answers import Answer


@dataclass(frozen=True, eq=False)
class Transcribed(Scores):
    """Answers (N,) beside what was said (N,), and who said it (N,)."""

    answers: tuple[Answer, ...]
    said: tuple[str, ...]
    speakers: tuple[str, ...]
    seconds: float
    broken: tuple[tuple[str, str], ...]

    @cached_property
    def errors(self) -> tuple[WordErrors, ...]:
        """Of each recording."""
        return tuple(
            word_errors(said.split(), answer.text.split())
            for said, answer in zip(self.said, self.answers, strict=True)
        )

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        """(N, 2) mistakes and words of each recording."""
        rows = [[one.total, one.words] for one in self.errors]
        return np.array(rows, np.float64).reshape(-1, 2)

    @property
    def examples(self) -> int:  # type: ignore[override]
        return len(self.said)

    @property
    def rate(self) -> float:
        """Mistakes for each word that was said; above 1 where most of what was found is wrong."""
        total, words = self.counts.sum(0)
        return float(total / max(1.0, words))

    @property
    def value(self) -> float:
        """1 - the word error rate, or 0 where that is above 1."""
        return max(0.0, 1.0 - self.rate)

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        total, words = self.counts[np.asarray(rows)].sum(1).T
        return np.maximum(0.0, 1.0 - total / np.maximum(1.0, words))

    @property
    def by_speakers(self) -> tuple[float, float] | None:
        """Where the word error rate of other speakers is expected, 95 %: whole speakers are drawn.
        None where fewer than two are known."""
        names = sorted(set(self.speakers))
        if len(names) < 2:
            return None
        of_each = np.stack([self.counts[np.array(self.speakers) == name].sum(0) for name in names])

        def rates(rows: Rows) -> NDArray[np.float64]:
            total, words = of_each[np.asarray(rows)].sum(1).T
            rate: NDArray[np.float64] = total / np.maximum(1.0, words)
            return rate

        return bootstrap(rates, len(names), rounds=ROUNDS)

    @property
    def metrics(self) -> Mapping[str, float]:
        words = max(1, sum(one.words for one in self.errors))
        low, high = self.by_speakers or (float("nan"), float("nan"))
        return {
            "wer": self.rate,
            "substitutions": sum(one.substitutions for one in self.errors) / words,
            "insertions": sum(one.insertions for one in self.errors) / words,
            "deletions": sum(one.deletions for one in self.errors) / words,
            "sentences_wrong": float((self.counts[:, 0] > 0).mean()) if len(self.said) else 0.0,
            "wer_speakers_low": low,
            "wer_speakers_high": high,
        }

    def lines(self) -> Iterable[str]:
        kinds = [sum(getattr(one, name) for one in self.errors)
                 for name in ("substitutions", "insertions", "deletions")]  # fmt: skip
        words = sum(one.words for one in self.errors)
        yield (
            f"word error rate {self.rate:.1%}: {kinds[0]} substitutions, {kinds[1]} insertions, "
            f"{kinds[2]} deletions in {words:,} words"
        )
        if self.by_speakers is not None:
            low, high = self.by_speakers
            yield f"other speakers: {low:.1%} to {high:.1%} (95 %, whole speakers drawn)"

    def to_json(self) -> dict[str, Any]:
        return {"metrics": dict(self.metrics)}
