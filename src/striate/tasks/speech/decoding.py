"""From acoustic scores to words with times."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from striate import hmm
from striate.hmm import SILENCE, Grammar, Lexicon, Network, viterbi
from striate.tasks.speech.answers import Answer, Word

BEAM = 250.0  # of log-probabilities at the search's scale
CELLS = 2**24  # frames times junctions and chains that are kept at a time: 64 MiB of scores
LONGEST = 3000  # frames that are searched at once: longer recordings are cut where they are quiet
OVER = 1000  # frames before that, among which the quietest is looked for


@dataclass(frozen=True, eq=False)
class Language:
    """What can be said, and how much that counts beside the sound.

    Attributes:
        stays: (P,) probability of one more frame in each state.
        scale: of the grammar's logarithms.
        penalty: added for each word.
        step: seconds from a frame to the next.
    """

    lexicon: Lexicon
    grammar: Grammar
    stays: NDArray[np.float64]
    scale: float
    penalty: float
    step: float = 0.01

    @cached_property
    def network(self) -> Network:
        """All sentences."""
        return hmm.language(
            self.grammar, self.lexicon, self.stays, scale=self.scale, penalty=self.penalty
        )

    def but(self, scale: float, penalty: float) -> "Language":
        """The same with other weights."""
        return replace(self, scale=scale, penalty=penalty)

    def decode(
        self, scores: Sequence[NDArray[np.float32]], loudness: Sequence[NDArray[np.float32]]
    ) -> list[Answer]:
        """The words of recordings by the scores (T, P) and the loudness (T,) of their frames."""
        pieces = [cuts(each) for each in loudness]
        flat = [(row, begin, end) for row, some in enumerate(pieces) for begin, end in some]
        flat.sort(key=lambda piece: piece[2] - piece[1])
        words: dict[tuple[int, int], tuple[Word, ...]] = {}
        width = self.network.junctions + 2 * len(self.network.lasts)
        while flat:
            count = 1
            while (
                count < len(flat)
                and (count + 1) * (flat[count][2] - flat[count][1]) * width < CELLS
            ):
                count += 1
            some, flat = flat[:count], flat[count:]
            parts = [scores[row][begin:end] for row, begin, end in some]
            for (row, begin, _), found in zip(some, self._words(parts), strict=True):
                shift = begin * self.step
                words[row, begin] = tuple(
                    word._replace(begin=word.begin + shift, end=word.end + shift) for word in found
                )
        return [
            Answer(
                tuple(word for begin, _ in some for word in words[row, begin]),
                len(loudness[row]) * self.step,
            )
            for row, some in enumerate(pieces)
        ]

    def _words(self, scores: Sequence[NDArray[np.float32]]) -> list[list[Word]]:
        network = self.network
        paths = viterbi(network, hmm.padded(scores), [len(each) for each in scores], beam=BEAM)
        found = []
        for path, each in zip(paths, scores, strict=True):
            sure = log_probabilities(each)
            found.append(
                [
                    Word(
                        self.lexicon.words[network.labels[chain]],
                        begin * self.step,
                        end * self.step,
                        self._confidence(sure[begin:end], chain),
                    )
                    for chain, begin, end in path.segments
                    if network.labels[chain] != SILENCE
                ]
            )
        return found

    def _confidence(self, sure: NDArray[np.float32], chain: int) -> float:
        """How probable the states of a word are, on the mean: those it has at their best."""
        network = self.network
        states = network.pdfs[network.firsts[chain] : network.lasts[chain] + 1]
        return float(np.exp(sure[:, states].max(1).mean()))


def log_probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, P) of scores, so that the states of a frame add up to one."""
    most = scores.max(1, keepdims=True)
    total: NDArray[np.float32] = np.log(np.exp(scores - most).sum(1, keepdims=True)) + most
    return scores - total


def cuts(loudness: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Parts [begin, end) of a recording that are searched by themselves: cut at its quietest
    frames, so that memory does not grow with its length.

    >>> cuts(np.zeros(10))
    [(0, 10)]
    """
    found = []
    begin = 0
    while len(loudness) - begin > LONGEST:
        late = begin + LONGEST - OVER
        end = late + int(loudness[late : begin + LONGEST].argmin())
        found.append((begin, end))
        begin = end
    return [*found, (begin, len(loudness))]
