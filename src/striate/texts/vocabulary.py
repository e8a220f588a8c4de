"""The words of a set of texts by number, with how often each occurs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.texts.packing import packed, unpacked

UNKNOWN = 0  # the number of every word that is not known
WORDS, COUNTS = "words", "counts"  # in a file


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words from 1 to V, the commonest first; 0 is any other word.

    Attributes:
        words: (V,) each once, none with a line break.
        counts: (V + 1,) int64, how often each occurs in the texts it was made of; the first is of
            all the words that were too rare to be kept.

    >>> known = Vocabulary.of([["a", "dog", "and", "a", "cat"], ["a", "dog"]], least=2)
    >>> known.words, known.counts.tolist(), known.numbered(["a", "red", "dog"]).tolist()
    (('a', 'dog'), [2, 3, 2], [1, 0, 2])
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.counts.shape != (len(self.words) + 1,):
            raise ValueError(f"{len(self.words)} words with counts {self.counts.shape}")

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], *, least: int = 1) -> Self:
        """Every word that occurs at least `least` times; words as common as each other stand by
        name.

        Args:
            texts: the words of each.
        """
        found = Counter(chain.from_iterable(texts))
        kept = sorted((-count, word) for word, count in found.items() if count >= least)
        counts = [-count for count, _ in kept]
        rare = sum(found.values()) - sum(counts)
        return cls(tuple(word for _, word in kept), np.array([rare, *counts], np.int64))

    def __len__(self) -> int:
        """V + 1, the unknown word included."""
        return len(self.words) + 1

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words, 1)}

    def numbered(self, words: Sequence[str]) -> NDArray[np.int64]:
        """(n,) the numbers of words."""
        index = self.index
        return np.array([index.get(word, UNKNOWN) for word in words], np.int64)

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it: "words" and "counts"."""
        return {WORDS: packed(self.words), COUNTS: torch.from_numpy(self.counts)}

    @classmethod
    def restored(cls, tensors: dict[str, Tensor]) -> Self:
        """The one of which `tensors` were stored.

        Raises:
            ValueError, LookupError: if they are none.
        """
        counts = tensors[COUNTS]
        if counts.dtype != torch.int64 or (counts < 0).any():
            raise ValueError(f"its words are counted by {counts.dtype}, or below zero")
        return cls(unpacked(tensors[WORDS]), counts.numpy())
