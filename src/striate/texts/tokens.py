"""From a text to its words, as Kim (2014) cleans sentences.

Everything but letters, digits and `(),!?'` counts as a blank; `(),!?` stand alone, and so do the
clitics of English: `it's` is `it 's`, `don't` is `do n't`.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

BLANK = re.compile(r"[^A-Za-z0-9(),!?'`]+")
FOREIGN_BLANK = re.compile(r"[^\w(),!?'`]+|_+")  # letters of any script stay
APART = re.compile(r"[(),!?]")
CLITIC = re.compile(r"'(?:s|ve|re|d|ll)|n't")  # with whatever follows, as in Kim's program
MANY = 0.01  # share of letters beyond ASCII from which on they are kept


@dataclass(frozen=True)
class Tokenizer:
    """Cuts texts into words.

    Attributes:
        lower: whether words are in lower case; Kim keeps the case for TREC alone.
        foreign: keep letters beyond ASCII, which Kim's English sentences do without.

    >>> Tokenizer()("It's great -- isn't it?"), Tokenizer(foreign=True)("Sehr schön!")
    (['it', "'s", 'great', 'is', "n't", 'it', '?'], ['sehr', 'schön', '!'])
    """

    lower: bool = True
    foreign: bool = False

    def __call__(self, text: str) -> list[str]:
        if self.foreign:
            text = FOREIGN_BLANK.sub(" ", unicodedata.normalize("NFC", text))
        else:
            text = BLANK.sub(" ", text)
        words = APART.sub(r" \g<0> ", CLITIC.sub(r" \g<0>", text))
        return (words.lower() if self.lower else words).split()

    @classmethod
    def fitted(cls, texts: Iterable[str]) -> Self:
        """One that keeps letters beyond ASCII where these texts have more than a few."""
        letters = others = 0
        for text in texts:
            if text.isascii():
                letters += len(text)
            else:
                letters += sum(map(str.isalpha, text))
                others += sum(not c.isascii() and c.isalpha() for c in text)
        return cls(foreign=others > MANY * letters)

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` turns back into an equal one."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The one that `to_json` wrote.

        Raises:
            ValueError: if it is none.
        """
        if values.keys() != {"lower", "foreign"} or not all(
            isinstance(value, bool) for value in values.values()
        ):
            raise ValueError(f"a tokenizer has lower and foreign, not {values!r:.80}")
        return cls(**values)
