"""What a check sees in texts: copies word for word or nearly, odd ones, features for labels."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.checking.appearance import BANDS, codes_of
from striate.checking.duplicates import Pairs
from striate.checking.findings import Copies
from striate.checking.kind import Examined, Kind
from striate.checking.neighbors import alike
from striate.checking.oddities import Odd
from striate.data import Dataset, ReadTexts, read_texts
from striate.handcrafted.bag_of_words import BagOfWords, counts, vocabulary
from striate.handcrafted.bag_of_words import inverse_document_frequencies as idf

ODD = {"wordless": "without any letter or digit", "long": "much longer than most"}
WORD = re.compile(r"\w+")
NEAR = 0.9  # of the words of two texts that are in both, from which on they are nearly the same
BITS = 24  # of 144 in which the codes of such texts may differ
COLUMNS = 2**16  # random directions are drawn for so many words; others share one
LONG, MANY = 20.0, 200  # times the median, and words, from which on a text is long
NUMBERS = 200  # of a text, by which labels are judged
SHOWN = 400  # characters of a text on a page


def words_of(text: str) -> list[str]:
    """The words by which texts are compared: without case and marks."""
    return WORD.findall(text.casefold())


def copies(data: ReadTexts) -> Pairs:
    """Texts of the same words in the same order, and texts that share nearly all of them."""
    words = [words_of(text) for text in data.texts]
    keys = [" ".join(some) or text for some, text in zip(words, data.texts, strict=True)]
    same: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        same.setdefault(key, []).append(row)
    found = {
        pair: (1.0, data.texts[pair[0]] == data.texts[pair[1]])
        for rows in same.values()
        for pair in pairwise(rows)
    }
    leaders = np.array([rows[0] for rows in same.values()], np.int64)
    for first, second in _candidates([words[row] for row in leaders]):
        for pair in zip(leaders[first].tolist(), leaders[second].tolist(), strict=True):
            if pair not in found and (share := shared(words[pair[0]], words[pair[1]])) >= NEAR:
                found[pair] = share, False
    first, second = np.array(sorted(found), np.int64).reshape(-1, 2).T
    about = [found[pair] for pair in sorted(found)]
    return Pairs(
        first,
        second,
        np.array([share for share, _ in about], np.float32),
        np.array([exact for _, exact in about], np.bool_),
        np.zeros(len(about), np.bool_),
    )


def shared(first: Sequence[str], second: Sequence[str]) -> float:
    """The words that two texts have in common, as a share of all: Jaccard's index, with repeats.

    >>> shared("a rose is a rose".split(), "a rose is a daisy".split())
    0.6666666666666666
    """
    one, two = Counter(first), Counter(second)
    return (one & two).total() / max(1, (one | two).total())


def _candidates(texts: Sequence[Sequence[str]]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Pairs that may be nearly the same: codes of signs of random projections (Charikar 2002)."""
    if len(texts) < 2:
        return
    terms = vocabulary(texts, 1)
    index = {term: place % COLUMNS for place, term in enumerate(terms)}
    rows = counts(texts, index, 1, width=COLUMNS)
    rows.data *= idf(rows)[rows.indices]
    random = np.random.default_rng(0)
    planes = random.standard_normal((min(len(terms), COLUMNS), 16 * BANDS), np.float32)
    yield from alike(codes_of(rows[:, : len(planes)] @ planes), bits=BITS)


def examine(dataset: Dataset[Any], *, deep: bool) -> Examined:
    """All there is to see in texts; `deep` adds nothing."""
    data = read_texts(dataset)
    return Examined(data.dataset, copies(data), odd(data.texts), partial(numbers, data.texts))


def odd(texts: Sequence[str]) -> tuple[Odd, ...]:
    """Texts unlike the rest, in the order of the rows."""
    lengths = np.array([len(words_of(text)) for text in texts])
    limit = max(MANY, LONG * float(np.median(lengths))) if len(lengths) else MANY
    found = []
    for row, length in enumerate(lengths.tolist()):
        if not length:
            found.append(Odd(row, "wordless", "no letter and no digit"))
        elif length > limit:
            found.append(Odd(row, "long", f"{length:,} words, most have {np.median(lengths):.0f}"))
    return tuple(found)


def numbers(texts: Sequence[str]) -> NDArray[np.float32]:
    """(N, up to 200) latent semantic analysis (Deerwester et al. 1990) of words and their pairs."""
    from sklearn.decomposition import TruncatedSVD

    words = [words_of(text) for text in texts]
    terms = vocabulary(words, 2, least=2)
    if len(terms) <= 2 or len(texts) <= 2:
        return np.zeros((len(texts), 1), np.float32)
    rows = counts(words, {term: place for place, term in enumerate(terms)}, 2)
    bag = BagOfWords(terms, 2, "tfidf", idf(rows))
    count = min(NUMBERS, len(terms) - 1, len(texts) - 1)
    solver = TruncatedSVD(count, n_iter=3, random_state=0)
    return solver.fit_transform(bag(words)).astype(np.float32)


def shown(dataset: Dataset[Any], row: int) -> dict[str, str]:
    """The beginning of a text."""
    text: str = dataset.inputs[row]
    return {"text": text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."}


def likeness(copies: Copies) -> str:
    """In what members of a group are the same."""
    if copies.exact:
        return "the same text"
    return "the same words" if copies.likeness == 1 else "nearly the same words"


TEXTS = Kind("text", ODD, examine, copies, shown, likeness)
