"""Words and how they are pronounced: by the phones of a dictionary, or letter by letter."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from striate.errors import DataError

SIL = "SIL"  # the first unit of every lexicon
STATES = 3  # of every unit, passed from left to right
VARIANT = re.compile(r"\(\d+\)$")  # "A(2)": another way to say "A"
STRESS = re.compile(r"^([A-Z]{2})[012]$")  # of a vowel, as CMU's large dictionary marks it
NO_WORDS = frozenset(("<s>", "</s>", "<sil>", "<unk>", "!SIL", "SIL", "<eps>"))
MAX_BYTES = 64 * 2**20
MAX_UNITS = 2_000


@dataclass(frozen=True)
class Lexicon:
    """A vocabulary and its pronunciations.

    Attributes:
        units: names of what is modeled, SIL first.
        words: in order; their numbers are what transcripts and grammars are made of.
        pronunciations: of each word at least one, numbers of units.
    """

    units: tuple[str, ...]
    words: tuple[str, ...]
    pronunciations: tuple[tuple[tuple[int, ...], ...], ...]

    def __post_init__(self) -> None:
        if self.units[:1] != (SIL,) or len(set(self.units)) != len(self.units):
            raise ValueError(f"units begin with {SIL} and are named once each")
        if len(self.words) != len(self.pronunciations) or len(set(self.words)) != len(self.words):
            raise ValueError("a lexicon has every word once, with its pronunciations")
        for ways in self.pronunciations:
            if not ways or not all(way and 0 < min(way) <= max(way) < len(self.units)
                                   for way in ways):  # fmt: skip
                raise ValueError("every word has a pronunciation of known units")

    @property
    def pdfs(self) -> int:
        """How many output distributions there are: one for each state of each unit."""
        return STATES * len(self.units)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    def states(self, way: Sequence[int]) -> list[int]:
        """The output distributions that a pronunciation passes."""
        return [STATES * unit + state for unit in way for state in range(STATES)]

    @classmethod
    def of(cls, spelled: Iterable[tuple[str, Sequence[str]]]) -> "Lexicon":
        """From words and their units by name; a word may come several times."""
        ways: dict[str, list[tuple[str, ...]]] = {}
        for word, names in spelled:
            if tuple(names) not in ways.setdefault(word, []):
                ways[word].append(tuple(names))
        units = (SIL, *sorted({name for each in ways.values() for way in each for name in way}))
        numbers = {name: number for number, name in enumerate(units)}
        words = tuple(sorted(ways))
        return cls(
            units,
            words,
            tuple(tuple(tuple(numbers[n] for n in way) for way in ways[word]) for word in words),
        )

    @classmethod
    def of_whole_words(cls, spelled: Iterable[tuple[str, Sequence[str]]]) -> "Lexicon":
        """Models of whole words: units that no other word shares, as many as a word has phones.
        For a few words, each of which is heard often."""
        return cls.of(
            (word, [f"{word}/{place}{name}" for place, name in enumerate(names, 1)])
            for word, names in spelled
        )

    @classmethod
    def of_letters(cls, words: Iterable[str]) -> "Lexicon":
        """Every word by its letters: what is left where nobody says how words are pronounced."""
        return cls.of((word, letters(word)) for word in words)


def letters(word: str) -> tuple[str, ...]:
    """The letters and digits of a word, or all its characters where it has none.

    >>> letters("don't")
    ('D', 'O', 'N', 'T')
    """
    found = tuple(each.upper() for each in word if each.isalnum())
    return found or tuple(word)


def read_dictionary(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The entries of a pronunciation dictionary: a word, then its phones, one entry a line.

    CMU's form ("A(2)  EY") and Kaldi's ("a ey"); lines that begin with ;;; or # are comments, marks
    of stress are dropped, and silence is no word.

    Raises:
        DataError: naming the first line that has a word and no phones.

    >>> read_dictionary("A  AH0\\nA(2)  EY1\\n")
    [('A', ('AH',)), ('A', ('EY',))]
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or line.startswith((";;;", "#")):
            continue
        word, phones = VARIANT.sub("", fields[0]), fields[1:]
        if word in NO_WORDS:
            continue
        if not phones:
            raise DataError(f"line {number}: {word[:40]!r} has no phones behind it")
        found.append((word, tuple(STRESS.sub(r"\1", phone) for phone in phones)))
    if len({phone for _, phones in found for phone in phones}) > MAX_UNITS:
        raise DataError(f"has more than {MAX_UNITS:,} phones: is it a pronunciation dictionary?")
    return found
