"""A model finds words that nobody marked, in made-up speech whose truth is known."""

import numpy as np
import pytest

from striate.hmm import Lexicon, Schedule, align, flat, language, learn, viterbi, word_list
from striate.hmm.learning import durations, padded

LEXICON = Lexicon.of([("ab", "AB"), ("ba", "BA"), ("c", "C")])


def spoken(words, random):
    """Frames (T, 6) and the state of each: every state has a mean of its own."""
    places = np.random.default_rng(9).normal(0, 3, (LEXICON.pdfs, 6))
    pdfs = [0, 1, 2]
    for word in words:
        pdfs += LEXICON.states(LEXICON.pronunciations[word][0])
        if random.random() < 0.5:
            pdfs += [0, 1, 2]
    states = np.repeat(pdfs, random.integers(2, 7, len(pdfs)))
    return (places[states] + random.normal(0, 0.7, (len(states), 6))).astype("f4"), states


@pytest.fixture(scope="module")
def speech():
    random = np.random.default_rng(1)
    words = [random.integers(0, 3, random.integers(1, 5)).tolist() for _ in range(60)]
    frames, states = zip(*(spoken(each, random) for each in words), strict=True)
    return frames, words, states


@pytest.mark.parametrize("by", ["viterbi", "baum-welch"])
def test_alignments_come_near_the_truth_from_a_flat_start(speech, by):
    frames, words, states = speech
    model, found = learn(frames, words, LEXICON, Schedule((8, 2), by=by))
    right = np.mean(np.concatenate(found) == np.concatenate(states))
    start = np.mean(
        np.concatenate([flat(len(f), w, LEXICON) for f, w in zip(frames, words, strict=True)])
        == np.concatenate(states)
    )
    assert start < 0.5 < 0.9 < right
    assert model.mixtures.components == 2


def test_words_are_recognized_in_new_speech(speech):
    frames, words, _ = speech
    model, _ = learn(frames, words, LEXICON, Schedule((8,)))
    random = np.random.default_rng(2)
    new = [random.integers(0, 3, 4).tolist() for _ in range(5)]
    sound = [spoken(each, random)[0] for each in new]
    network = language(word_list(3), LEXICON, model.stays)
    scores = padded([model.mixtures.score(each) for each in sound])
    paths = viterbi(network, scores, [len(each) for each in sound])
    labels = [network.labels[[one.chain for one in path.segments]] for path in paths]
    assert [each[each >= 0].tolist() for each in labels] == new


def test_a_recording_too_short_for_its_words_is_no_reason_to_stop():
    scores = [np.zeros((4, LEXICON.pdfs)), np.zeros((40, LEXICON.pdfs))]
    found = align(scores.__getitem__, [4, 40], [[0, 1], [0]], LEXICON, np.full(LEXICON.pdfs, 0.5))
    assert found[0] is None
    assert len(found[1]) == 40


def test_flat_shares_frames_alike():
    """Silence, one word of one phone, silence: nine states over eighteen frames."""
    c = LEXICON.numbers["c"]
    expected = np.repeat([0, 1, 2, 9, 10, 11, 0, 1, 2], 2)
    np.testing.assert_array_equal(flat(18, [c], LEXICON), expected)


def test_how_long_states_last_is_counted():
    """State 0: 500 frames in 100 visits; the first guess weighs as much as one visit of 2.5."""
    stays = durations([np.tile(np.repeat([0, 1], [5, 1]), 100)], 3)
    np.testing.assert_allclose(stays, [1 - 101 / 502.5, 0.1, 0.6], atol=1e-9)
