"""n-grams by pencil, and that every history's words add up to one."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.hmm import witten_bell, word_list
from striate.hmm.grammar import START

SENTENCES = st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=8)


def test_a_bigram_by_pencil():
    """Two sentences, "0 1" and "0". After 0 came 1 and the end, once each; all counts: 0 twice, 1
    once, the end (2) twice: five, of three kinds, shared with three words alike."""
    grammar = witten_bell([[0, 1], [0]], 2, order=2)
    one = {0: (2 + 3 / 3) / 8, 1: (1 + 3 / 3) / 8, 2: (2 + 3 / 3) / 8}
    for word, expected in one.items():
        assert math.exp(grammar.score(word, ())) == pytest.approx(expected)
    assert math.exp(grammar.score(1, (0,))) == pytest.approx((1 + 2 * one[1]) / 4)
    assert math.exp(grammar.score(0, (0,))) == pytest.approx(2 / 4 * one[0])  # not seen: backed off
    first = (2 + one[0]) / 3
    assert math.exp(grammar.score(0, (START,))) == pytest.approx(first)
    assert math.exp(grammar.sentence([0])) == pytest.approx(first * (1 + 2 * one[2]) / 4)


@given(sentences=SENTENCES, order=st.integers(1, 3))
def test_the_words_after_any_history_add_up_to_one(sentences, order):
    grammar = witten_bell(sentences, 4, order=order)
    for history in itertools.product((START, 0, 1, 2, 3), repeat=2):
        total = sum(math.exp(grammar.score(word, history)) for word in range(5))
        assert total == pytest.approx(1)


@given(sentences=SENTENCES)
def test_backing_off_never_gives_more_than_what_was_seen(sentences):
    grammar = witten_bell(sentences, 4, order=3)
    for history, words in grammar.following.items():
        for word, weight in words.items() if history else ():
            assert weight >= grammar.backoffs[history] + grammar.score(word, history[1:]) - 1e-9


def test_a_word_list_takes_all_words_alike():
    grammar = word_list(3)
    assert [math.exp(grammar.score(word, (2,))) for word in range(4)] == pytest.approx([1 / 4] * 4)
