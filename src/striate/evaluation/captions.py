"""Sentences beside those that people wrote: BLEU (Papineni et al. 2002) and CIDEr-D (Vedantam et
al. 2015), as the evaluation of COCO's captions has them (Chen et al. 2015)."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.resampling import Rows

ORDER = 4  # words of the longest n-gram
SIGMA = 6.0  # of CIDEr-D's penalty on a difference in length, in words
SCALE = 10.0  # that CIDEr is multiplied by
Sentence = Sequence[str]


def ngrams(words: Sentence, n: int) -> Counter[tuple[str, ...]]:
    """How often each run of n words stands in a sentence."""
    return Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))


def bleu_counts(given: Sentence, references: Sequence[Sentence]) -> NDArray[np.int64]:
    """(2 * ORDER + 2,) what BLEU sums over sentences: of each n the n-grams that a reference has
    too, each at most as often as the one that has it most; of each n all of them; the words; and
    the words of the reference that is nearest in length, of two the shorter.
    """
    matched, every = [], []
    for n in range(1, ORDER + 1):
        mine = ngrams(given, n)
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= ngrams(reference, n)
        matched.append((mine & most).total())
        every.append(mine.total())
    nearest = min((abs(len(one) - len(given)), len(one)) for one in references)[1]
    return np.array([*matched, *every, len(given), nearest], np.int64)


def bleu(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(..., ORDER) BLEU-1 to BLEU-4 of sums (..., 2 * ORDER + 2) of `bleu_counts` over a corpus,
    without smoothing: 0 where no n-gram of a length is right."""
    matched, every = counts[..., :ORDER], counts[..., ORDER : 2 * ORDER]
    given, wanted = counts[..., -2], counts[..., -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        precisions = np.log(matched / np.maximum(every, 1))
        penalty = np.minimum(0.0, 1 - wanted / given)
    penalty = np.where(given > 0, penalty, -np.inf)
    orders = np.arange(1, ORDER + 1)
    found: NDArray[np.float64] = np.exp(precisions.cumsum(-1) / orders + penalty[..., None])
    return found


def resampled_bleu(counts: NDArray[np.int64], rows: Rows) -> NDArray[np.float64]:
    """(R, ORDER) on each of R sets of images, rows (R, N)."""
    return bleu(counts[rows].sum(1))


def cider_d(
    given: Sequence[Sentence], references: Sequence[Sequence[Sentence]]
) -> NDArray[np.float64]:
    """(N,) CIDEr-D of each image's sentence, in [0, 10]; the corpus has their mean.

    n-grams are weighed by how few images have them in a reference, of these same images. Of each
    n-gram a sentence gets no more than the reference has; another length costs a Gaussian's share
    (Vedantam et al. 2015, Section 3; n-grams to 4, sigma 6, as the published program).
    """
    images = len(references)
    known = [[_counts(one) for one in each] for each in references]
    frequency: Counter[tuple[str, ...]] = Counter()
    for each in known:
        frequency.update({gram for one in each for grams in one for gram in grams})
    everywhere = math.log(max(images, 1))
    rarity = {gram: everywhere - math.log(count) for gram, count in frequency.items()}

    def weighed(counts: list[Counter[tuple[str, ...]]]) -> list[dict[tuple[str, ...], float]]:
        return [
            {gram: count * rarity.get(gram, everywhere) for gram, count in grams.items()}
            for grams in counts
        ]

    found = np.zeros(images)
    for image, (sentence, each) in enumerate(zip(given, known, strict=True)):
        counts = _counts(sentence)
        mine, norms = weighed(counts), np.zeros(ORDER)
        norms = np.array([_norm(one) for one in mine])
        values = np.zeros(ORDER)
        for reference in each:
            theirs = weighed(reference)
            # The published program counts lengths in pairs of words.
            gap = counts[1].total() - reference[1].total()
            penalty = math.exp(-(gap**2) / (2 * SIGMA**2))
            for n in range(ORDER):
                if norms[n] and (norm := _norm(theirs[n])):
                    dot = sum(
                        min(value, theirs[n].get(gram, 0.0)) * theirs[n].get(gram, 0.0)
                        for gram, value in mine[n].items()
                    )
                    values[n] += penalty * dot / (norms[n] * norm)
        found[image] = SCALE * values.mean() / max(1, len(each))
    return found


def _counts(words: Sentence) -> list[Counter[tuple[str, ...]]]:
    return [ngrams(words, n) for n in range(1, ORDER + 1)]


def _norm(weights: dict[tuple[str, ...], float]) -> float:
    return math.sqrt(sum(value**2 for value in weights.values()))


def people(
    references: Sequence[Sequence[Sentence]],
) -> NDArray[np.float64] | None:
    """(ORDER,) BLEU of people: of each image every sentence in turn against the others, the mean
    over whose turn it is; None where an image has one sentence alone."""
    turns = min(map(len, references), default=0)
    if turns < 2:
        return None
    scores = [
        bleu(
            sum(bleu_counts(each[turn], [*each[:turn], *each[turn + 1 :]]) for each in references)  # type: ignore[arg-type]
        )
        for turn in range(turns)
    ]
    found: NDArray[np.float64] = np.mean(scores, axis=0)
    return found
