"""Counts, tf-idf and log-count ratios: by pencil and against scikit-learn."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from striate.handcrafted.bag_of_words import (
    BagOfWords,
    counted,
    counts,
    inverse_document_frequencies,
    log_count_ratios,
    vocabulary,
)

TEXTS = [["not", "good"], ["good", "good", "film"], [], ["not", "so", "good"]]


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_in_one_pass_or_two(longest: int) -> None:
    terms, rows = counted(TEXTS, longest)
    assert terms == vocabulary(TEXTS, longest)
    plain = counts(TEXTS, {term: place for place, term in enumerate(terms)}, longest)
    assert (rows != plain).nnz == 0


def test_counts_by_hand() -> None:
    terms, rows = counted(TEXTS, 2)
    assert terms == (
        "film", "good", "good film", "good good", "not", "not good", "not so", "so", "so good",
    )  # fmt: skip
    assert rows.toarray()[1].tolist() == [1, 2, 1, 1, 0, 0, 0, 0, 0]
    assert vocabulary(TEXTS, 2, least=2) == ("good", "not")


def test_tfidf_is_scikit_learns() -> None:
    terms, plain = counted(TEXTS, 2)
    bag = BagOfWords(terms, 2, "tfidf", inverse_document_frequencies(plain))
    theirs = TfidfVectorizer(analyzer="word", token_pattern=r"\S+", ngram_range=(1, 2))
    wanted = theirs.fit_transform([" ".join(words) for words in TEXTS]).toarray()
    assert list(theirs.get_feature_names_out()) == list(terms)
    np.testing.assert_allclose(bag(TEXTS).toarray(), wanted, atol=1e-6)
    np.testing.assert_allclose(bag.weighed(plain).toarray(), wanted, atol=1e-6)


def test_ratios_by_hand() -> None:
    # One text for it has "good", one against has "bad": p = (1 + 1, 1), q = (1, 1 + 1), of 3 each.
    rows = counts([["good"], ["bad"]], {"good": 0, "bad": 1}, 1)
    ratios = log_count_ratios(rows, np.array([True, False]))
    np.testing.assert_allclose(ratios, [np.log(2), -np.log(2)], rtol=1e-6)


def test_new_words_count_for_nothing() -> None:
    bag = BagOfWords(("good",), 1, "presence", np.ones(1, np.float32))
    assert bag([["good", "good", "new"], ["new"]]).toarray().tolist() == [[1], [0]]
    with pytest.raises(ValueError, match="2 weights for 1 terms"):
        BagOfWords(("good",), 1, "presence", np.ones(2, np.float32))
