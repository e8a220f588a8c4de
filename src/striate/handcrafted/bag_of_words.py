"""Bags of words: which words and n-grams a text has, how often, and how much that says.

Counts, tf-idf (Sparck Jones 1972; the smoothed form of scikit-learn) and the log-count ratios of
naive Bayes (Wang & Manning 2012, "Baselines and Bigrams", Section 2.1) are sparse rows; a linear
classifier does the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Weighing = Literal["presence", "tfidf", "nb"]
JOINT = " "  # between the words of an n-gram; no word holds one


def ngrams(words: Sequence[str], longest: int) -> list[str]:
    """All runs of 1 to `longest` words.

    >>> ngrams(["not", "so", "good"], 2)
    ['not', 'so', 'good', 'not so', 'so good']
    """
    found = list(words)
    for length in range(2, longest + 1):
        runs = zip(*(words[start:] for start in range(length)), strict=False)
        found += map(JOINT.join, runs)
    return found


def vocabulary(texts: Iterable[Sequence[str]], longest: int, *, least: int = 1) -> tuple[str, ...]:
    """Every n-gram that at least `least` texts have, sorted.

    Args:
        texts: the words of each.
    """
    held = Counter(chain.from_iterable(set(ngrams(words, longest)) for words in texts))
    return tuple(sorted(term for term, count in held.items() if count >= least))


@dataclass(frozen=True, eq=False)
class BagOfWords:
    """From words to sparse rows.

    Attributes:
        terms: (V,) words and n-grams, in the order of the columns.
        longest: words of an n-gram at most.
        weighing: "presence": 1 for each term that is there; "tfidf": how often, times `weights`,
            and the row brought to length 1; "nb": presence times `weights`, as it is.
        weights: (V,) float32: inverse document frequencies, or log-count ratios.
    """

    terms: tuple[str, ...]
    longest: int
    weighing: Weighing
    weights: NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.terms):
            raise ValueError(f"{len(self.weights)} weights for {len(self.terms)} terms")
        object.__setattr__(self, "_index", {term: place for place, term in enumerate(self.terms)})

    @property
    def index(self) -> dict[str, int]:
        """The column of each term."""
        return self._index  # type: ignore[attr-defined]

    def __call__(self, texts: Sequence[Sequence[str]]) -> csr_matrix:
        """The words of N texts to (N, V) float32; what is not a term counts for nothing."""
        return self.weighed(counts(texts, self.index, self.longest))

    def weighed(self, rows: csr_matrix) -> csr_matrix:
        """Counts (N, V) to what they weigh, in place."""
        if self.weighing != "tfidf":
            rows.data[:] = 1
        rows.data *= self.weights[rows.indices]
        if self.weighing == "tfidf":
            lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(1))[:, 0])
            rows.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(rows.indptr))
        return rows


def counts(
    texts: Sequence[Sequence[str]], index: dict[str, int], longest: int, *, width: int | None = None
) -> csr_matrix:
    """How often each of N texts has each term: (N, V) float32, columns in order.

    Args:
        index: the column of each term.
        width: V, where it is not the number of terms.
    """
    find = index.get
    columns: list[int] = []
    ends = [0]
    for words in texts:
        columns += [c for c in map(find, ngrams(words, longest)) if c is not None]
        ends.append(len(columns))
    shape = (len(texts), len(index) if width is None else width)
    rows = csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape, np.float32)
    rows.sum_duplicates()
    return rows


def counted(texts: Sequence[Sequence[str]], longest: int) -> tuple[tuple[str, ...], csr_matrix]:
    """Every n-gram of N texts, sorted, and how often each text has it: (N, V) float32.

    The same as `vocabulary` and `counts`, in one pass.
    """
    index: defaultdict[str, int] = defaultdict()
    index.default_factory = index.__len__
    columns: list[int] = []
    ends = [0]
    for words in texts:
        columns += map(index.__getitem__, ngrams(words, longest))
        ends.append(len(columns))
    terms = sorted(index)
    place = np.empty(len(terms), np.int32)
    place[np.fromiter(map(index.__getitem__, terms), np.int32, len(terms))] = np.arange(len(terms))
    found = place[np.array(columns, np.int32)] if columns else np.zeros(0, np.int32)
    shape = (len(texts), len(terms))
    rows = csr_matrix((np.ones(len(found), np.float32), found, ends), shape, np.float32)
    rows.sum_duplicates()
    return tuple(terms), rows


def inverse_document_frequencies(rows: csr_matrix) -> NDArray[np.float32]:
    """(V,) ln((1 + N) / (1 + n)) + 1, where n of N texts (N, V) have the term."""
    held = np.bincount(rows.indices, minlength=rows.shape[1])
    return (np.log((1 + rows.shape[0]) / (1 + held)) + 1).astype(np.float32)


def log_count_ratios(
    rows: csr_matrix, positive: NDArray[np.bool_], *, smoothing: float = 1.0
) -> NDArray[np.float32]:
    """(V,) ln of how much likelier each term is in positive texts (Wang & Manning, Equation 1).

    Args:
        rows: (N, V) presence, 0 or 1.
        positive: (N,)
    """
    for_it = smoothing + np.asarray(rows[positive].sum(0))[0]
    against = smoothing + np.asarray(rows[~positive].sum(0))[0]
    ratio = np.log(for_it / for_it.sum()) - np.log(against / against.sum())
    return ratio.astype(np.float32)
