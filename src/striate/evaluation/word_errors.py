"""Word errors: substitutions, insertions and deletions between what was said and what was found."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class WordErrors(NamedTuple):
    """Of one sentence; `words` is how many were said."""

    words: int
    substitutions: int
    insertions: int
    deletions: int

    @property
    def total(self) -> int:
        """Mistakes of all three kinds."""
        return self.substitutions + self.insertions + self.deletions


class Edit(NamedTuple):
    """One step of an alignment: a word that was said and what was found for it; None: nothing."""

    said: str | None
    found: str | None


def edits(said: Sequence[str], found: Sequence[str]) -> list[Edit]:
    """The alignment with the fewest mistakes; among equals the one that rapidfuzz gives, and so
    jiwer: read from the end, deletions come first, then insertions, then substitutions.

    >>> edits("a b c".split(), "a x c d".split())[1:]
    [Edit(said='b', found='x'), Edit(said='c', found='c'), Edit(said=None, found='d')]
    """
    begin = 0
    while begin < min(len(said), len(found)) and said[begin] == found[begin]:
        begin += 1
    rest = min(len(said), len(found)) - begin
    end = 0
    while end < rest and said[len(said) - 1 - end] == found[len(found) - 1 - end]:
        end += 1
    middle = _edits(said[begin : len(said) - end], found[begin : len(found) - end])
    same = lambda words: [Edit(word, word) for word in words]
    return same(said[:begin]) + middle + same(said[len(said) - end :])


def _edits(said: Sequence[str], found: Sequence[str]) -> list[Edit]:
    table = _distances(said, found)
    i, j = len(said), len(found)
    steps: list[Edit] = []
    while i and j:
        if table[i, j] == table[i - 1, j] + 1:
            i -= 1
            steps.append(Edit(said[i], None))
        elif table[i, j - 1] == table[i - 1, j - 1] - 1:
            j -= 1
            steps.append(Edit(None, found[j]))
        else:
            i, j = i - 1, j - 1
            steps.append(Edit(said[i], found[j]))
    steps += [Edit(said[k], None) for k in reversed(range(i))]
    steps += [Edit(None, found[k]) for k in reversed(range(j))]
    return steps[::-1]


def _distances(said: Sequence[str], found: Sequence[str]) -> NDArray[np.int64]:
    """(I + 1, J + 1) edits from the first i words to the first j (Levenshtein 1966)."""
    places = np.arange(len(found) + 1)
    table = np.empty((len(said) + 1, len(found) + 1), np.int64)
    table[0] = places
    words = np.array(found, dtype=object)
    for i, word in enumerate(said, 1):
        row = table[i - 1] + 1  # one more deleted
        row[1:] = np.minimum(row[1:], table[i - 1, :-1] + (words != word))
        # what insertions give: the least of all before, one more for each step
        table[i] = np.minimum.accumulate(row - places) + places
    return table


def word_errors(said: Sequence[str], found: Sequence[str]) -> WordErrors:
    """Mistakes in one sentence.

    >>> word_errors("a b c".split(), "a x c d".split())
    WordErrors(words=3, substitutions=1, insertions=1, deletions=0)
    """
    steps = edits(said, found)
    return WordErrors(
        len(said),
        sum(None not in step and step.said != step.found for step in steps),
        sum(step.said is None for step in steps),
        sum(step.found is None for step in steps),
    )
