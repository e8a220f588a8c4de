"""Words by number: what is kept, and what comes back from a file."""

import numpy as np
import pytest
import torch

from striate.texts import Vocabulary
from striate.texts.packing import packed

TEXTS = [["a", "man", "and", "a", "dog"], ["a", "dog", "runs"], []]


def test_the_commonest_word_is_one_and_equals_stand_by_name():
    known = Vocabulary.of(TEXTS)
    assert known.words == ("a", "dog", "and", "man", "runs")
    assert known.counts.tolist() == [0, 3, 2, 1, 1, 1]
    assert len(known) == 6


def test_rare_words_are_counted_together_as_unknown():
    known = Vocabulary.of(TEXTS, least=2)
    assert known.words == ("a", "dog")
    assert known.counts.tolist() == [3, 3, 2]
    assert known.numbered(["dog", "man", "a", "zebra"]).tolist() == [2, 0, 1, 0]
    assert known.numbered([]).shape == (0,)


def test_it_comes_back_from_its_tensors():
    known = Vocabulary.of(TEXTS)
    again = Vocabulary.restored(known.tensors())
    assert again.words == known.words
    assert np.array_equal(again.counts, known.counts)
    assert not Vocabulary.restored(Vocabulary.of([]).tensors()).words


@pytest.mark.parametrize(
    "tensors",
    [
        {"words": packed(["a"]), "counts": torch.tensor([1])},
        {"words": packed(["a"]), "counts": torch.tensor([0, -1])},
        {"words": packed(["a"]), "counts": torch.tensor([0.0, 1.0])},
        {"words": packed(["a", "a"]), "counts": torch.tensor([0, 1, 1])},
    ],
    ids=["too few counts", "below zero", "no whole numbers", "a word twice"],
)
def test_damaged_tensors_are_refused(tensors):
    with pytest.raises(ValueError, match=r"count|twice"):
        Vocabulary.restored(tensors)
