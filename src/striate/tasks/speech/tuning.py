"""How much the grammar counts beside the sound: chosen on the validation recordings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.word_errors import word_errors
from striate.progress import stage
from striate.tasks.speech.decoding import Language

SCALES = (2.0, 4.0, 7.0, 10.0, 14.0, 20.0)
PENALTIES = (-15.0, -8.0, 0.0, 8.0)


def rate(
    language: Language, scores: Sequence[NDArray[np.float32]],
    loudness: Sequence[NDArray[np.float32]], said: Sequence[str],
) -> float:  # fmt: skip
    """The word error rate of recordings with known words."""
    found = language.decode(scores, loudness)
    errors = [
        word_errors(words.split(), answer.text.split())
        for words, answer in zip(said, found, strict=True)
    ]
    return sum(one.total for one in errors) / max(1, sum(one.words for one in errors))


def tuned(
    language: Language, scores: Sequence[NDArray[np.float32]],
    loudness: Sequence[NDArray[np.float32]], said: Sequence[str],
) -> tuple[Language, float]:  # fmt: skip
    """The language with the scale, and then the penalty, that make the fewest mistakes; and their
    rate. Of equals, the middle one is taken: it is the safest."""
    with stage("choose the grammar's weight", len(SCALES) + len(PENALTIES)) as bar:

        def best(some: Sequence[Language]) -> tuple[Language, float]:
            rates = []
            for one in some:
                rates.append(rate(one, scores, loudness, said))
                bar.advance()
            equal = np.flatnonzero(np.array(rates) == min(rates))
            return some[int(equal[len(equal) // 2])], min(rates)

        chosen, _ = best([language.but(scale, 0.0) for scale in SCALES])
        return best([chosen.but(chosen.scale, penalty) for penalty in PENALTIES])
