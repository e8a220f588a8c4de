"""Pictures with sentences that people wrote about them."""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data.names import counted, quoted
from striate.data.splits import ASIDE, TRAIN, Rows, nothing_to_learn
from striate.data.targets import Facts, Targets
from striate.errors import DataError
from striate.texts.caption_words import caption_words

LONG = 50  # words of a sentence from which on it is doubtful, and learned without the rest
FEW = 50  # training pictures, below which nearly nothing can be learned
REPEATED = 0.02  # share of all sentences from which on one that stands again and again is told


@dataclass(frozen=True)
class LongCaption:
    """A sentence that is hardly one: text that was not cut, as a rule."""

    image: str
    words: int
    kind: str = "long"

    @property
    def text(self) -> str:
        return f"a caption of {self.words:,} words; the first {LONG} are learned"


@dataclass(frozen=True, eq=False)
class Captions(Targets):
    """One sentence or more for each input.

    Attributes:
        sentences: (N,) those of each, in their order, none without a word.
    """

    sentences: tuple[tuple[str, ...], ...]
    doubts: tuple[LongCaption, ...] = ()
    names: tuple[str, ...] = ()

    kind: ClassVar[str] = "captions"

    def __post_init__(self) -> None:
        if not all(self.sentences):
            raise ValueError("every input should have a sentence")

    def __len__(self) -> int:
        return len(self.sentences)

    def take(self, rows: Rows) -> "Captions":
        some = np.asarray(rows, np.int64).tolist()
        return replace(self, sentences=tuple(self.sentences[row] for row in some))

    def strata(self) -> NDArray[np.int64]:
        return np.zeros(len(self), np.int64)

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.zeros((0, 3), np.int64)

    def mark(self, row: int) -> bytes:
        return hashlib.sha256("\n".join(self.sentences[row]).encode("utf-8", "replace")).digest()

    def key(self, row: int) -> str:
        """Two sentences about one picture may both be right."""
        return ""

    def words(self, row: int) -> str:
        return " / ".join(self.sentences[row])

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        count = int((split == TRAIN).sum())
        if not count:
            raise DataError(nothing_to_learn(split, name=name, thing=thing, marked="has a caption"))
        if count < FEW:
            return (
                f"{counted(count, f'training {thing}')}: too few to learn sentences from; expect "
                "little more than the commonest one",
            )
        return ()

    def facts(self, split: NDArray[np.int8]) -> Facts:
        used = [row for row in range(len(self)) if split[row] != ASIDE]
        told = [caption_words(one) for row in used for one in self.sentences[row]]
        counts = Counter(word for words in told for word in words)
        each = [len(self.sentences[row]) for row in used]
        lengths = [len(words) for words in told]
        once = sum(count == 1 for count in counts.values())
        learned = Counter(
            word
            for row in used
            if split[row] == TRAIN
            for one in self.sentences[row]
            for word in caption_words(one)
        )
        others = sum(
            word not in learned
            for row in used
            if split[row] > TRAIN
            for one in self.sentences[row]
            for word in caption_words(one)
        )
        total = sum(len(caption_words(one)) for row in used if split[row] > TRAIN
                    for one in self.sentences[row])  # fmt: skip
        faults = []
        again = Counter(" ".join(words) for words in told).most_common(1)
        if again and again[0][1] > max(2, REPEATED * len(told)):
            faults.append(f"{again[0][1]:,} captions are the same: {quoted([again[0][0]])}")
        if self.doubts:
            faults.append(
                f"{counted(len(self.doubts), 'caption')} of more than {LONG} words, of which the "
                f"first {LONG} are learned: {quoted(dict.fromkeys(d.image for d in self.doubts))}"
            )
        remarks = [
            f"{sum(each):,} captions, {min(each)} to {max(each)} an image, of "
            f"{np.median(lengths):.0f} words (median), {max(lengths)} at most; "
            f"{len(counts):,} different words, {once:,} of them once."
        ]
        if len(set(each)) > 1:
            remarks.append("Images with more captions are easier to match: scores favor them.")
        if total:
            remarks.append(
                f"{others / total:.1%} of the words of validation and test are in no training "
                "caption and can never be right.".replace("%", " %")
            )
        values = {
            "captions": sum(each), "captions_per_image": float(np.mean(each)),
            "words": len(counts), "median_length": float(np.median(lengths)),
            "longest": max(lengths), "long": len(self.doubts),
            "unlearned_words": others / total if total else 0.0,
        }  # fmt: skip
        return Facts(tuple(faults), tuple(remarks), values=values)
