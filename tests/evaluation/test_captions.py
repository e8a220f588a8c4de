"""BLEU and CIDEr-D by pencil."""

import math

import numpy as np
import pytest

from striate.evaluation.captions import bleu, bleu_counts, cider_d, people, resampled_bleu

CAT = ["the", "cat", "is", "on", "the", "mat"]
OTHER = ["there", "is", "a", "cat", "on", "the", "mat"]


def test_a_word_counts_no_more_often_than_in_a_reference():
    """Papineni et al. 2002, Section 2.1, example 2: seven times "the" has two right."""
    counts = bleu_counts(["the"] * 7, [CAT, OTHER])
    assert counts.tolist() == [2, 0, 0, 0, 7, 6, 5, 4, 7, 7]
    assert bleu(counts).tolist() == pytest.approx([2 / 7, 0, 0, 0])


def test_short_sentences_are_punished_by_the_nearest_reference():
    counts = bleu_counts(["the", "cat", "sat"], [CAT, OTHER])
    assert counts[-2:].tolist() == [3, 6]
    assert bleu(counts)[:2] == pytest.approx(
        [math.exp(1 - 6 / 3) * 2 / 3, math.exp(-1) * math.sqrt(2 / 3 * 1 / 2)]
    )
    tied = bleu_counts(list("abcd"), [list("abc"), list("abcde")])
    assert tied[-1] == 3  # of two equally near the shorter


def test_a_corpus_is_a_sum_and_a_draw_of_it_too():
    """One sentence of four right words and one of none: 4 of 8 words, 3 of 6 pairs, ..."""
    counts = np.stack([bleu_counts(list("abcd"), [list("abcd")]),
                       bleu_counts(list("wxyz"), [list("abcd")])])  # fmt: skip
    assert bleu(counts.sum(0)).tolist() == pytest.approx([0.5] * 4)
    drawn = resampled_bleu(counts, np.array([[0, 1], [0, 0], [1, 1]]))
    assert drawn[:, 3].tolist() == pytest.approx([0.5, 1, 0])


def test_nothing_said_is_nothing():
    assert bleu(bleu_counts([], [CAT])).tolist() == [0, 0, 0, 0]


def test_cider_of_the_same_sentence_is_ten_and_of_another_nothing():
    """The cosine is 1 for each n; a sentence of three words has no run of four, which counts 0."""
    references = [[list("abcd")], [list("wxyz")], [list("lmn")]]
    found = cider_d([list("abcd"), list("abcd"), list("lmn")], references)
    assert found.tolist() == pytest.approx([10, 0, 7.5])


def test_cider_by_pencil():
    """Two images; "a" is in both and weighs nothing, other words log 2. "a b" beside "a b c": words
    b against b, c: cosine 1/sqrt 2; pairs ab against ab, bc: the same; one pair less: a Gaussian
    of 1 in 6; of two references the other, "a x", shares nothing that weighs."""
    found = cider_d([list("ab"), list("ay")], [[list("abc"), list("ax")], [list("ay"), list("az")]])
    one = 10 * (2 * math.exp(-1 / 72) / math.sqrt(2)) / 4 / 2
    assert found[0] == pytest.approx(one)
    # "a y" against itself: words and pairs, each 1, and against "a z" nothing.
    assert found[1] == pytest.approx(10 * 2 / 4 / 2)


def test_cider_does_not_reward_repeating():
    """Vedantam et al. 2015, Section 7: of a word said three times one is right; the rest makes the
    sentence longer."""
    references = [[["dog"]], [["cat"]]]
    once, thrice = (cider_d([["dog"] * times, ["cat"]], references)[0] for times in (1, 3))
    assert once == pytest.approx(2.5)
    assert thrice == pytest.approx(2.5 / 3 * math.exp(-(2**2) / 72))


def test_people_are_scored_beside_each_other():
    """Of three, each in turn beside two: "a b" has both words right, so has "b a"; "c d" none."""
    found = people([[["a", "b"], ["b", "a"], ["c", "d"]]])
    assert found is not None
    assert found[0] == pytest.approx(2 / 3)
    assert people([[["a"]], [["a"], ["b"]]]) is None
