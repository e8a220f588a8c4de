"""Answers by how a question begins, and by nothing else: what anything that looks must be ahead of.

Of all beginnings of a question that were seen often enough the longest tells the commonest answer;
the empty beginning, which every question has, tells that of all.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from striate.data.questions import ReadQuestions
from striate.data.splits import TRAIN, VALIDATION
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned, Predictor
from striate.tasks.questions.answers import Answer, Said
from striate.tasks.questions.choosing import BLANK, TOP
from striate.tasks.questions.inputs import Prepared, prepared, words_of
from striate.tasks.questions.learning import measured
from striate.texts import Tokenizer
from striate.texts.packing import packed, unpacked

LEAST = 3  # questions that must have a beginning

Tops = tuple[tuple[str, float], ...]


@dataclass(eq=False)
class Starts(Predictor):
    """Beginnings of questions to their commonest answers.

    Attributes:
        known: words of a beginning, with blanks between, to its answers and their shares; "" is
            there.
    """

    tokenizer: Tokenizer
    known: Mapping[str, Tops]

    kind: ClassVar[str] = "starts"

    @property
    def parameters(self) -> int:
        return sum(len(tops) for tops in self.known.values())

    @property
    def preprocessing(self) -> None:
        """It does not look at pictures."""

    def rehearsed(self, times: int = 1) -> Prepared:
        return self.prepare((self.blank(times), BLANK))

    def prepare(self, item: Any) -> Prepared:
        return prepared(item, self.tokenizer, None)

    def predict(self, batch: Sequence[Prepared]) -> list[Answer]:
        return [self._said(one) for one in batch]

    def _said(self, one: Prepared) -> Answer:
        for length in range(len(one.words), -1, -1):
            tops = self.known.get(" ".join(one.words[:length]))
            if tops is not None:
                break
        else:
            tops = self.known[""]
        return Answer(one.question, tuple(Said(*top) for top in tops), False)

    def tensors(self) -> dict[str, Tensor]:
        answers = sorted({text for tops in self.known.values() for text, _ in tops})
        number = {text: place for place, text in enumerate(answers)}
        rows = [[number[text] for text, _ in tops] for tops in self.known.values()]
        return {
            "starts": packed(list(self.known)),
            "answers": packed(answers),
            "lengths": torch.tensor([len(row) for row in rows]),
            "tops": torch.tensor([place for row in rows for place in row]),
            "shares": torch.tensor(
                [share for tops in self.known.values() for _, share in tops], dtype=torch.float64
            ),
        }

    def header(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer.to_json()}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        starts, answers = _starts_in(tensors["starts"]), unpacked(tensors["answers"])
        lengths, tops = tensors["lengths"].tolist(), tensors["tops"].tolist()
        shares = tensors["shares"].tolist()
        if len(lengths) != len(starts) or sum(lengths) != len(tops) or len(tops) != len(shares):
            raise ValueError("its beginnings and answers are not as many")
        if min(lengths, default=0) < 1 or "" not in starts or min(tops) < 0:
            raise ValueError("a beginning has no answer")
        known, place = {}, 0
        for start, length in zip(starts, lengths, strict=True):
            some = range(place, place + length)
            known[start] = tuple((answers[tops[k]], float(shares[k])) for k in some)
            place += length
        return cls(Tokenizer.from_json(header["tokenizer"]), known)


def _starts_in(data: Tensor) -> tuple[str, ...]:
    """The beginnings, of which one is empty; `unpacked` takes no bytes for no word at all."""
    return unpacked(data) or ("",)


def tops_of(counts: Counter[str]) -> Tops:
    """The commonest answers and their shares; equals stand by name."""
    some = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:TOP]
    return tuple((text, count / counts.total()) for text, count in some)


def learn(data: ReadQuestions, ask: Ask, *, longest: int | None = None) -> Learned:
    """Counts the answers after every beginning.

    Args:
        longest: words of a beginning at most; 0 knows the commonest answer alone.
    """
    clock, dataset = Clock(), data.dataset
    with clock.stage("count"):
        train = np.flatnonzero(dataset.split == TRAIN).tolist()
        tokenizer = Tokenizer.fitted(dataset.inputs[row][1] for row in train)
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for row in train:
            words = words_of(dataset.inputs[row][1], tokenizer)
            for length in range(1 + min(len(words), len(words) if longest is None else longest)):
                counts[" ".join(words[:length])][dataset.targets.texts[row]] += 1
        known = {
            start: tops_of(some)
            for start, some in counts.items()
            if some.total() >= LEAST or not start
        }
        predictor = Starts(tokenizer, known)
    rows = np.flatnonzero(dataset.split == VALIDATION).tolist()
    answers = [
        predictor._said(Prepared(question, words_of(question, tokenizer), None)).text
        for question in (dataset.inputs[row][1] for row in rows)
    ]
    kept = f"{len(known):,} beginnings that {LEAST} or more questions have" if longest != 0 else (
        f"always {known[''][0][0]!r}"
    )  # fmt: skip
    return Learned(predictor, measured(answers, dataset, rows), clock.seconds, notes=(kept,))
