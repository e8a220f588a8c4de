"""A grammar's network gives every sentence the probability that the grammar gives it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.hmm import SILENCE, Lexicon, language, sentence, viterbi, witten_bell, word_list

LEXICON = Lexicon.of([("a", "X"), ("b", "Y"), ("b", "XY")])
STAYS = np.full(LEXICON.pdfs, 0.5)


def words_of(network, path) -> list[int]:
    labels = network.labels[[one.chain for one in path.segments]]
    return labels[labels != SILENCE].tolist()


@settings(max_examples=8)
@given(seed=st.integers(0, 99), order=st.integers(1, 3), scale=st.sampled_from([1.0, 3.0]))
def test_the_search_finds_the_best_of_all_sentences(seed, order, scale):
    """Beside each sentence of up to two words, scored alone and added to the grammar's score."""
    random = np.random.default_rng(seed)
    grammar = witten_bell([[0, 1, 1], [1], [0]], 2, order=order)
    frames = 9
    scores = random.normal(0, 1, (1, frames, LEXICON.pdfs))
    found = viterbi(language(grammar, LEXICON, STAYS, scale=scale, penalty=-0.7), scores, [frames])
    best = {}
    for length in range(4):
        for words in itertools.product(range(2), repeat=length):
            alone = viterbi(sentence(words, LEXICON, STAYS), scores, [frames])[0].score
            best[words] = alone + scale * grammar.sentence(words) - 0.7 * length
    expected = max(best, key=best.get)
    assert found[0].score == pytest.approx(best[expected], abs=1e-5)
    network = language(grammar, LEXICON, STAYS, scale=scale, penalty=-0.7)
    assert words_of(network, found[0]) == list(expected)


def test_silence_is_found_between_words_and_takes_time():
    """Frames that are a, silence, a by their scores."""
    frames = [3] * 2 + [4] * 2 + [5] * 2 + [0, 1, 2] + [3, 4, 5]
    scores = np.full((1, len(frames), LEXICON.pdfs), -20.0)
    scores[0, np.arange(len(frames)), frames] = 0
    network = sentence([0, 0], LEXICON, STAYS)
    path = viterbi(network, scores, [len(frames)])[0]
    assert [(int(network.labels[one.chain]), one.begin, one.end) for one in path.segments] == [
        (0, 0, 6), (SILENCE, 6, 9), (0, 9, 12),
    ]  # fmt: skip


def test_a_word_list_knows_every_word_and_a_penalty_makes_them_fewer():
    scores = np.random.default_rng(0).normal(0, 1, (1, 60, LEXICON.pdfs))
    many, few = (
        language(word_list(2), LEXICON, STAYS, penalty=penalty) for penalty in (5.0, -20.0)
    )
    assert len(words_of(many, viterbi(many, scores, [60])[0])) > len(
        words_of(few, viterbi(few, scores, [60])[0])
    )
    assert few.states == many.states == 3 + sum((3 + 3, 3 + 6 + 3))


def test_grammar_and_lexicon_have_the_same_words():
    with pytest.raises(ValueError, match="a grammar of 3 words, a lexicon of 2"):
        language(word_list(3), LEXICON, STAYS)


def test_the_probability_of_silence_is_counted():
    network = sentence([], LEXICON, STAYS, pause=0.25)
    score = viterbi(network, np.zeros((1, 3, LEXICON.pdfs)), [3])[0].score
    assert score == pytest.approx(math.log(0.25) + 3 * math.log(0.5), abs=1e-6)
