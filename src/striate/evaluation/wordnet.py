"""WordNet's nouns, and how near two of them are (Wu & Palmer 1994).

Either form is read: Debian's `data.noun` (package wordnet-base; `man 5 wndb`), or a table
`nouns.tsv` (id, parents, min_depth, max_depth, words) with `answers.tsv` (word, its nouns) beside
it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from striate.errors import DataError, UserError
from striate.files import read_bytes

PLACES = (Path("/usr/share/wordnet"), Path("/usr/local/share/wordnet"), Path("/usr/share/WordNet"))
VARIABLE = "STRIATE_WORDNET"
LARGEST = 2**28  # bytes of a file
NOUNS, ANSWERS, DATA, EXCEPTIONS = "nouns.tsv", "answers.tsv", "data.noun", "noun.exc"
ENDINGS = (
    ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
    ("men", "man"), ("ies", "y"), ("s", ""),
)  # fmt: skip
ABOVE = ("@", "@i")  # pointers to what a noun is a kind or an instance of


@dataclass(frozen=True, eq=False)
class WordNet:
    """Nouns by number.

    Attributes:
        parents: of each noun, what it is a kind of.
        names: of each noun, its first word; of several as near, the first by name counts.
        words: word, with `_` for blanks, to its nouns.
        irregular: plural to singular, for words that no rule brings back.
        given: whether `words` knows of every word, so that none is brought to a singular.
    """

    parents: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    words: Mapping[str, tuple[int, ...]]
    irregular: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: bool = False

    def nouns(self, word: str) -> tuple[int, ...]:
        """The nouns that a word can be: in any sense, and as a plural; () where it is none."""
        word = word.lower().replace(" ", "_")
        if self.given:
            return self.words.get(word, ())
        forms = [word, *self.irregular.get(word, ())]
        if word not in self.irregular:
            forms += [
                word[: -len(ending)] + new
                for ending, new in ENDINGS
                if word.endswith(ending) and len(word) > len(ending)
            ]
        found = [noun for form in forms for noun in self.words.get(form, ())]
        return tuple(dict.fromkeys(found))

    def above(self, noun: int) -> dict[int, int]:
        """Every noun that it is a kind of, itself included, with the shortest way to it."""
        found, waiting = {noun: 0}, [noun]
        while waiting:
            after = []
            for one in waiting:
                for parent in self.parents[one]:
                    if parent not in found:
                        found[parent] = found[one] + 1
                        after.append(parent)
            waiting = after
        return found

    def depths(self, noun: int) -> tuple[int, int]:
        """The shortest and the longest way from a noun to the root.

        Raises:
            DataError: if it lies above itself.
        """
        return self._depths(noun, {}, ())

    def _depths(
        self, noun: int, known: dict[int, tuple[int, int]], below: tuple[int, ...]
    ) -> tuple[int, int]:
        if noun in below:
            raise DataError(f"WordNet: {self.names[noun]!r} is a kind of itself")
        if noun not in known:
            each = [self._depths(one, known, (*below, noun)) for one in self.parents[noun]]
            known[noun] = (
                (1 + min(low for low, _ in each), 1 + max(high for _, high in each))
                if each
                else (0, 0)
            )
        return known[noun]

    def similarity(self, first: int, second: int) -> float:
        """Wu & Palmer's 2 d / (l1 + l2) of two nouns, in (0, 1]; 0 where nothing is above both.

        As NLTK has it: of what is above both, that counts whose shortest way to the root is
        longest; d is 1 and its longest way to the root, l1 and l2 are d and the shortest ways to
        it.
        """
        one, two = self.above(first), self.above(second)
        common = one.keys() & two.keys()
        if not common:
            return 0.0
        deepest = max(self.depths(noun)[0] for noun in common)
        nearest = [noun for noun in common if self.depths(noun)[0] == deepest]
        shared = (
            first
            if first in nearest
            else min(nearest, key=lambda noun: (self.names[noun].lower(), noun))
        )
        depth = self.depths(shared)[1] + 1
        return 2.0 * depth / (self._way(one, shared) + self._way(two, shared) + 2 * depth)

    def _way(self, above: Mapping[int, int], shared: int) -> int:
        """The shortest way from a noun to one above it, perhaps by what is above both."""
        return min(
            above[noun] + steps for noun, steps in self.above(shared).items() if noun in above
        )

    def nearness(self, first: str, second: str) -> float:
        """The largest similarity of any senses of two words; 0 where one of them is no noun."""
        pairs = [(one, two) for one in self.nouns(first) for two in self.nouns(second)]
        return max((self.similarity(one, two) for one, two in pairs), default=0.0)


def read_wordnet(place: str | Path) -> WordNet:
    """The nouns in a folder, or beside a file of either form.

    Raises:
        DataError: if there are none; it says what is expected.
    """
    path = Path(place)
    folder = path if path.is_dir() else path.parent
    if (folder / DATA).is_file():
        return _of_data(folder)
    if (folder / NOUNS).is_file():
        return _of_table(folder)
    raise DataError(f"{place}: no WordNet; expected a folder with {DATA} or {NOUNS}")


@cache
def find_wordnet() -> WordNet | None:
    """WordNet where it is installed: the folder that STRIATE_WORDNET names, or Debian's; None where
    it is in neither.

    Raises:
        DataError: if the folder that is named has none.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return read_wordnet(named)
    place = next((each for each in PLACES if (each / DATA).is_file()), None)
    return None if place is None else read_wordnet(place)


def _lines(path: Path) -> Iterator[str]:
    try:
        text = read_bytes(path, limit=LARGEST).decode("utf-8", "replace")
    except UserError as error:
        raise DataError(str(error)) from error
    return iter(text.splitlines())


def _of_table(folder: Path) -> WordNet:
    rows = [line.split("\t") for line in _lines(folder / NOUNS)][1:]
    try:
        number = {row[0]: place for place, row in enumerate(rows)}
        parents = tuple(
            tuple(number[one] for one in row[1].split(",") if one in number) for row in rows
        )
        names = tuple(row[4].split(",")[0] for row in rows)
        words = _by_word([row[4].split(",") for row in rows])
        given = (folder / ANSWERS).is_file()
        if given:
            for line in list(_lines(folder / ANSWERS))[1:]:
                word, _, nouns = line.partition("\t")
                words[word] = tuple(number[one] for one in nouns.split(",") if one in number)
    except IndexError:
        raise DataError(f"{folder / NOUNS}: a line has fewer than five columns") from None
    return WordNet(parents, names, words, given=given)


def _of_data(folder: Path) -> WordNet:
    """The lines `offset file n words word sense ... pointers symbol offset part place ...`."""
    synonyms: list[list[str]] = []
    above: list[list[str]] = []
    number: dict[str, int] = {}
    for place, line in enumerate(_lines(folder / DATA), 1):
        if line.startswith("  ") or not line.strip():
            continue  # the licence
        try:
            fields = line.partition("|")[0].split()
            count = int(fields[3], 16)
            words = fields[4 : 4 + 2 * count : 2]
            if not words or len(words) < count:
                raise ValueError("it lacks words")
            pointers = fields[5 + 2 * count :]
            number[fields[0]] = len(synonyms)
            synonyms.append([word.lower() for word in words])
            above.append(
                [pointers[k + 1] for k in range(0, len(pointers) - 3, 4) if pointers[k] in ABOVE]
            )
        except (IndexError, ValueError):
            raise DataError(f"{folder / DATA}, line {place}: is not a noun of WordNet") from None
    parents = tuple(tuple(number[one] for one in some if one in number) for some in above)
    irregular: dict[str, tuple[str, ...]] = {}
    if (folder / EXCEPTIONS).is_file():
        for line in _lines(folder / EXCEPTIONS):
            plural, *singular = line.split() or [""]
            irregular[plural] = tuple(singular)
    return WordNet(parents, tuple(some[0] for some in synonyms), _by_word(synonyms), irregular)


def _by_word(synonyms: Sequence[Sequence[str]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for noun, words in enumerate(synonyms):
        for word in words:
            found.setdefault(word.lower(), []).append(noun)
    return {word: tuple(nouns) for word, nouns in found.items()}
