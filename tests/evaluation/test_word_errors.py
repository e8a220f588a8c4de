"""Word errors beside jiwer's."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.evaluation.word_errors import Edit, edits, word_errors

WORDS = st.lists(st.sampled_from("abcd"), max_size=9)


@given(said=WORDS.filter(bool), found=WORDS)
def test_they_are_jiwers(said, found):
    theirs = jiwer.process_words(" ".join(said), " ".join(found))
    ours = word_errors(said, found)
    assert ours[1:] == (theirs.substitutions, theirs.insertions, theirs.deletions)
    assert ours.total / ours.words == pytest.approx(theirs.wer)


@given(said=WORDS, found=WORDS)
def test_an_alignment_has_all_words_of_both_sides_in_order(said, found):
    steps = edits(said, found)
    assert [step.said for step in steps if step.said is not None] == said
    assert [step.found for step in steps if step.found is not None] == found
    assert Edit(None, None) not in steps


@pytest.mark.parametrize(
    ("said", "found", "expected"),
    [("", "", (0, 0, 0, 0)), ("", "a b", (0, 0, 2, 0)), ("a b", "", (2, 0, 0, 2)),
     ("a b c", "b c", (3, 0, 0, 1)), ("a b c", "a x c", (3, 1, 0, 0))],
)  # fmt: skip
def test_by_pencil(said, found, expected):
    assert word_errors(said.split(), found.split()) == expected
