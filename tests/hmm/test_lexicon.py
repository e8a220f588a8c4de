"""Dictionaries of both forms, and letters where there is none."""

import pytest

from striate.errors import DataError
from striate.hmm import Lexicon, read_dictionary

CMU = """;;; a comment
A                    AH
A(2)                 EY1
DON'T                D OW N T
<s>                  SIL
"""


def test_a_dictionary_has_words_variants_and_phones():
    lexicon = Lexicon.of(read_dictionary(CMU))
    assert lexicon.words == ("A", "DON'T")
    assert lexicon.units == ("SIL", "AH", "D", "EY", "N", "OW", "T")
    assert lexicon.pronunciations == (((1,), (3,)), ((2, 5, 4, 6),))
    assert lexicon.pdfs == 21
    assert lexicon.states((1, 3)) == [3, 4, 5, 9, 10, 11]


def test_kaldi_repeats_the_word_and_a_way_counts_once():
    lexicon = Lexicon.of(read_dictionary("yes y eh s\nyes y ah s\nyes y eh s\nSIL SIL"))
    assert lexicon.words == ("yes",)
    assert len(lexicon.pronunciations[0]) == 2


def test_letters_spell_what_nobody_pronounces():
    lexicon = Lexicon.of_letters(["ab", "b2"])
    assert lexicon.units == ("SIL", "2", "A", "B")
    assert lexicon.pronunciations == (((2, 3),), ((3, 1),))


def test_whole_words_share_no_units():
    lexicon = Lexicon.of_whole_words([("no", "NO"), ("on", "ON"), ("noon", "NOON")])
    used = [set(way) for ways in lexicon.pronunciations for way in ways]
    assert [len(each) for each in used] == [2, 4, 2]
    assert len(set.union(*used)) == 8 == len(lexicon.units) - 1


def test_a_word_without_phones_is_named():
    with pytest.raises(DataError, match="line 2: 'NO' has no phones"):
        read_dictionary("YES Y EH S\nNO\n")


def test_what_is_no_dictionary_is_refused():
    text = "\n".join(f"word{n} unit{n}" for n in range(2001))
    with pytest.raises(DataError, match=r"more than 2,000 phones"):
        read_dictionary(text)


@pytest.mark.parametrize(
    ("units", "ways"), [(("A",), ((0,),)), (("SIL", "A"), ((2,),)), (("SIL", "A"), ((0,),))]
)
def test_a_lexicon_that_does_not_fit_together_is_refused(units, ways):
    with pytest.raises(ValueError, match="unit"):
        Lexicon(units, ("w",), (ways,))
