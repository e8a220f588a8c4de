"""Words as Kim cuts them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from striate.texts import Tokenizer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("simplistic , silly and tedious .", "simplistic , silly and tedious"),
        ("It's GOOD, isn't it?", "it 's good , is n't it ?"),
        ("they'd've (we'll see)!", "they 'd 've ( we 'll see ) !"),
        ("a 'deadly' n'thing", "a 'deadly' n'thing"),
        ("a--b\tc\n\nd", "a b c d"),
        ("``quoted''", "``quoted''"),
        ("---", ""),
    ],
)
def test_kim(text: str, words: str) -> None:
    assert Tokenizer()(text) == words.split()


def test_case_is_kept_where_asked() -> None:
    assert Tokenizer(lower=False)("Who was Galileo ?") == ["Who", "was", "Galileo", "?"]


def test_letters_of_any_script_stay_where_texts_have_them() -> None:
    assert Tokenizer.fitted(["a plain text"] * 50 + ["café"]) == Tokenizer()
    foreign = Tokenizer.fitted(["очень хорошо", "so schön"])
    assert foreign("Очень_хорошо!") == ["очень", "хорошо", "!"]
    assert foreign("cafe\u0301") == ["café"]


def test_kept_and_restored() -> None:
    one = Tokenizer(lower=False, foreign=True)
    assert Tokenizer.from_json(one.to_json()) == one
    with pytest.raises(ValueError, match="a tokenizer has"):
        Tokenizer.from_json({"lower": 1, "foreign": False})


@pytest.mark.parametrize(
    ("files", "lower", "words"),  # the counts of Kim's table 1
    [(("mr.tsv",), True, 18_765), (("trec_train.tsv", "trec_test.tsv"), False, 9_592)],
)
def test_the_papers_vocabulary(
    shared: Callable[[str], Path], files: tuple[str, ...], lower: bool, words: int
) -> None:
    cut = Tokenizer(lower=lower)
    found = {
        word
        for name in files
        for line in shared(f"data/text/{name}").read_text(encoding="utf-8").splitlines()
        for word in cut(line.split("\t", 1)[1])
    }
    assert len(found) == words
