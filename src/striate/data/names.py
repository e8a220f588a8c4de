"""Names as people, cameras and systems write them, brought to one form where they are compared."""

import math
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from striate.images import SUFFIXES

PIECES = re.compile(r"[0-9]+|[^0-9]+")
WORD = re.compile(r"[^\W\d_]+|\d+")
# `trainImages` is two words, `JPEGImages` too.
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def canonical(name: str) -> str:
    """A name in the form in which it is compared: composed (NFC), without blanks at its ends.

    macOS decomposes what is typed: an accent is then a character of its own.

    >>> canonical("cafe\\u0301 ") == canonical("caf\\u00e9")
    True
    """
    return name.strip() if name.isascii() else unicodedata.normalize("NFC", name).strip()


def words_of(name: str) -> tuple[str, ...]:
    """The words and numbers of a name, in lower case.

    >>> words_of("seg_train"), words_of("trainImages2017"), words_of("test-set.v2")
    (('seg', 'train'), ('train', 'images', '2017'), ('test', 'set', 'v', '2'))
    """
    return tuple(WORD.findall(CAMEL.sub(" ", canonical(name)).lower()))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts names with their numbers as numbers.

    >>> sorted(["10", "2", "1", "b", "A"], key=natural)
    ['1', '2', '10', 'A', 'b']
    """
    key = []
    for part in PIECES.findall(name):
        if "0" <= part[0] <= "9":
            digits = part.lstrip("0")
            key.append((0, len(digits), digits))
        else:
            key.append((1, 0, part.casefold()))
    return (*key, (-1, 0, name))


def stem_of(name: str) -> str:
    """A file's name without the suffix of an image, if it has one.

    >>> stem_of("p.1.JPG"), stem_of("p.1")
    ('p.1', 'p.1')
    """
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 (a Path costs ten times more)
    return stem if suffix.lower() in SUFFIXES else name


def printable(path: str) -> str:
    """A file's name as text: slashes, and a replacement mark for bytes that are not UTF-8."""
    if os.sep != "/":
        path = path.replace(os.sep, "/")
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def quoted(names: Iterable[str], most: int = 6) -> str:
    """A few names for a sentence, in quotes.

    >>> quoted(["b", "a10", "a9"])
    "'a9', 'a10', 'b'"
    """
    every = sorted((printable(name) for name in names), key=natural)
    more = [f"and {len(every) - most} more"] if len(every) > most else []
    return ", ".join([*(repr(name) for name in every[:most]), *more])


def counted(count: int, thing: str) -> str:
    """A number with its noun.

    >>> counted(1, "image"), counted(1200, "image"), counted(2, "box")
    ('1 image', '1,200 images', '2 boxes')
    """
    plural = f"{thing}es" if thing.endswith(("x", "s")) else f"{thing}s"
    plural = f"{thing[:-1]}ies" if thing.endswith("y") else plural
    return f"{count:,} {thing if count == 1 else plural}"


def epochs(count: float) -> str:
    """A number of epochs, the last of which may be a part of one.

    >>> epochs(3), epochs(19.5), epochs(6.66667), epochs(1 / 3), epochs(0.0123)
    ('3', '19.5', '6.7', '0.3', '0.01')
    """
    return f"{count:.1g}" if 0 < count < 0.1 else f"{count:.1f}".removesuffix(".0")


def percent(share: float) -> str:
    """A share of 1 in per cent; a dash where there is none.

    >>> percent(0.9345), percent(float("nan"))
    ('93.5 %', '–')
    """
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def kinds_of(suffixes: Counter[str]) -> str:
    """How many files of which kinds.

    >>> kinds_of(Counter({".xml": 1, ".txt": 2}))
    '3 files (.txt 2, .xml 1)'
    """
    most = sorted(suffixes.items(), key=lambda each: (-each[1], each[0]))[:5]
    kinds = ", ".join(f"{kind} {files}" for kind, files in most)
    return f"{counted(sum(suffixes.values()), 'file')} ({kinds})"


def alike_but_for_case(names: Iterable[str]) -> str | None:
    """A note on classes whose names differ in case alone; None without any.

    >>> alike_but_for_case(["Cat", "cat", "dog"])
    "classes that differ in case alone: 'Cat', 'cat'"
    """
    folded: dict[str, list[str]] = {}
    for name in sorted(names):
        folded.setdefault(name.casefold(), []).append(name)
    alike = [quoted(each) for each in folded.values() if len(each) > 1]
    return f"classes that differ in case alone: {'; '.join(alike)}" if alike else None
