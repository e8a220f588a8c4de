"""The recordings of a set, read once, and aligned once for all methods."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import hmm
from striate.data import Dataset
from striate.data.names import quoted
from striate.data.recordings import FILTERS, ReadRecordings, read_recordings
from striate.data.splits import TRAIN
from striate.errors import DataError
from striate.hmm import Classic, Grammar, Lexicon
from striate.progress import stage
from striate.tasks.speech.features import cepstral

ORDER = 2  # of the grammar's n-grams


@dataclass(frozen=True, eq=False)
class Aligned:
    """What a flat start gives.

    Attributes:
        rows: of the training split, those that are long enough for their words.
        states: the state of each of their frames.
    """

    classic: Classic
    rows: list[int]
    states: list[NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Heard(ReadRecordings):
    """A set with its recordings, and what has been learned of them."""

    _known: dict[str, Any] = field(default_factory=dict)

    @property
    def lexicon(self) -> Lexicon:
        """Of the set."""
        found: Lexicon = self.dataset.targets.lexicon
        return found

    def rows(self, split: int) -> list[int]:
        """The rows of a split."""
        return np.flatnonzero(self.dataset.split == split).tolist()

    def words(self, row: int) -> list[int]:
        """The numbers of a row's words; every one is in the lexicon."""
        return [self.lexicon.numbers[word] for word in self.dataset.targets.words(row).split()]

    def grammar(self) -> Grammar:
        """Of the training sentences, over all words of the lexicon."""
        sentences = [self.words(row) for row in self.rows(TRAIN)]
        return hmm.witten_bell(sentences, len(self.lexicon.words), order=ORDER)

    def aligned(self) -> Aligned:
        """The mixtures and alignments of the training recordings, computed once."""
        if "aligned" not in self._known:
            self._known["aligned"] = self._align()
        found: Aligned = self._known["aligned"]
        return found

    def _align(self) -> Aligned:
        rows = self.rows(TRAIN)
        features = cepstral([self.spectra[row] for row in rows], FILTERS)
        words = [self.words(row) for row in rows]
        total = sum(hmm.Schedule().rounds)
        with stage("align", total) as bar:
            classic, paths = hmm.learn(
                features, words, self.lexicon, tell=lambda done, of: bar.advance()
            )
        pairs = [(row, path) for row, path in zip(rows, paths, strict=True) if path is not None]
        if not pairs:
            raise DataError(f"{self.dataset.name}: no recording is long enough for its words")
        return Aligned(classic, [row for row, _ in pairs], [path for _, path in pairs])


def read(dataset: Dataset[Any]) -> Heard:
    """Every recording of a set, read once; what cannot be read is left out with the reason, and
    what is much quieter than the others is named.

    Raises:
        DataError: if what can be read is not enough to learn from.
    """
    from striate.checking.recordings import odd

    found = read_recordings(dataset)
    quiet = [found.dataset.inputs.name(one.row) for one in odd(found) if one.kind == "quiet"]
    noted = found.dataset.noted(f"nearly silent, and used all the same: {quoted(quiet)}")
    return Heard(noted if quiet else found.dataset, found.spectra)
