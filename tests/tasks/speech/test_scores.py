"""Scores by pencil, and that their intervals draw what they should."""

import numpy as np
import pytest

from striate.tasks.speech.answers import Answer, Transcript, Word
from striate.tasks.speech.scores import Transcribed


def answer(text: str) -> Answer:
    return Answer(tuple(Word(word, 0.1, 0.25, 0.5) for word in text.split()), 1.0)


def scores(*pairs: tuple[str, str], speakers: str = "") -> Transcribed:
    said, found = zip(*pairs, strict=True)
    who = tuple(speakers) or ("",) * len(pairs)
    return Transcribed(tuple(map(answer, found)), said, who, 0.1, ())


FIVE = scores(("a b c", "a x c"), ("a b", "a b c"), ("a", ""), speakers="kkl")


def test_the_word_error_rate_is_over_all_words():
    assert FIVE.rate == pytest.approx(3 / 6)
    assert FIVE.value == pytest.approx(0.5)
    metrics = FIVE.metrics
    for name in ("substitutions", "insertions", "deletions"):
        assert metrics[name] == pytest.approx(1 / 6)
    assert metrics["sentences_wrong"] == 1.0
    first, second = FIVE.lines()
    assert first == ("word error rate 50.0%: 1 substitutions, 1 insertions, 1 deletions in 6 words")
    assert second.startswith("other speakers: ")


def test_draws_of_recordings():
    rows = np.array([[0, 0, 0], [0, 1, 2], [2, 2, 2]])
    np.testing.assert_allclose(FIVE.resampled(rows), [1 - 1 / 3, 0.5, 0.0])


def test_draws_of_speakers_take_all_they_said():
    """One speaker has 2 mistakes in 5 words, the other 1 in 1: draws give 0.4, 0.5 or 1."""
    low, high = FIVE.by_speakers
    assert (low, high) == pytest.approx((0.4, 1.0))
    assert scores(("a", "a")).by_speakers is None


def test_more_mistakes_than_words_are_no_score_below_nothing():
    assert scores(("a", "x y z")).value == 0.0
    assert scores(("a", "x y z")).rate == 3.0


def test_a_transcript_in_words_and_json():
    one = Transcript("call.wav", answer=answer("yes no"))
    assert one.line(None) == "yes no"
    assert one.to_json() == {
        "path": "call.wav", "text": "yes no", "seconds": 1.0,
        "words": [{"word": word, "begin": 0.1, "end": 0.25, "confidence": 0.5}
                  for word in ("yes", "no")],
    }  # fmt: skip
    assert Transcript("a", answer=answer("")).line(None) == "(no words)"
