"""Pictures with a question about each as inputs, and what people answered as targets.

An answer is a set of words, as in DAQUAR (Malinowski & Fritz 2014): "knife, fork".
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Files, InFiles
from striate.data.kept import pixels_of_files
from striate.data.names import percent, printable
from striate.data.narrowing import narrowed
from striate.data.prepared import Prepared
from striate.data.splits import TEST, TRAIN, VALIDATION, Rows, nothing_to_learn
from striate.data.targets import Facts, Targets
from striate.data.texts import sound
from striate.errors import DataError, InputError
from striate.images import View

MOST_WORDS = 100  # of a question, or of an answer; DAQUAR's longest question has 30
SEPARATOR = ", "  # between the words of an answer


def sound_question(text: str) -> str:
    """A question that can be asked: see `striate.data.texts.sound`.

    Raises:
        InputError: with the reason, if it is empty, no text, or far too long.
    """
    try:
        text = sound(text)
    except InputError as error:
        if str(error) == "empty text":
            raise InputError("the question is empty") from None
        raise InputError(f"the question: {error}") from error
    if (words := len(text.split())) > MOST_WORDS:
        raise InputError(f"the question has {words:,} words, and at most {MOST_WORDS} are read")
    return " ".join(text.split())


def items_of(answer: str) -> tuple[str, ...]:
    """The words of an answer, each once, in its order.

    >>> items_of("knife, fork,knife"), items_of("plastic_cup_of_coffee")
    (('knife', 'fork'), ('plastic_cup_of_coffee',))
    """
    words = (" ".join(word.lower().split()) for word in answer.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def plain_answer(answer: str) -> str:
    """An answer in the one form in which answers are compared: its words in order of the alphabet.

    >>> plain_answer("knife, fork") == plain_answer("Fork,knife")
    True
    """
    return SEPARATOR.join(sorted(items_of(answer)))


class Questions(InFiles):
    """Questions about pictures that are files; one picture may be asked about many times.

    Args:
        asked: (N,) the question about each.
    """

    thing: ClassVar[str] = "question"
    shared: ClassVar[str] = "picture"

    def __init__(
        self, paths: Iterable[str], asked: Iterable[str], root: str | os.PathLike[str] = "."
    ):
        super().__init__(paths, root)
        self.asked = tuple(asked)
        if len(self.paths) != len(self.asked):
            raise ValueError(f"{len(self.paths)} pictures and {len(self.asked)} questions")

    def __getitem__(self, row: int) -> tuple[Path, str]:
        """The picture's file, and the question."""
        return Path(self._file(row)), self.asked[row]

    def name(self, row: int) -> str:
        """The picture and the question."""
        return f"{printable(self.paths[row])}: {self.asked[row]}"

    def path(self, row: int) -> None:  # type: ignore[override]
        """A file alone is no input."""
        return

    def mark(self, row: int) -> bytes:
        try:
            return str(Path(self._file(row)).stat().st_size).encode()
        except OSError:
            return b"absent"

    def take(self, rows: Rows) -> "Questions":
        some = np.asarray(rows, np.int64).tolist()
        return Questions(
            [self.paths[row] for row in some], [self.asked[row] for row in some], self.root
        )


@dataclass(frozen=True, eq=False)
class Answers(Targets):
    """What is answered to each question.

    Attributes:
        texts: (N,) the answer in the form of `plain_answer`; of several people's the commonest.
        people: (N,) what each of several people answered, likewise; () where one did.
        types: (N,) what kind of question the set says it is; "" where it does not say.
    """

    texts: tuple[str, ...]
    people: tuple[tuple[str, ...], ...]
    types: tuple[str, ...]
    names: tuple[str, ...] = ()

    kind: ClassVar[str] = "answers"
    contradiction: ClassVar[str] = "answered in several ways"

    def __post_init__(self) -> None:
        if not len(self.texts) == len(self.people) == len(self.types):
            raise ValueError("texts, people and types should be as many")

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Rows) -> "Answers":
        some = np.asarray(rows, np.int64).tolist()
        return replace(
            self,
            texts=tuple(self.texts[row] for row in some),
            people=tuple(self.people[row] for row in some),
            types=tuple(self.types[row] for row in some),
        )

    def strata(self) -> NDArray[np.int64]:
        return np.zeros(len(self), np.int64)  # most answers are rare, and groups are pictures

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.zeros((0, 3), np.int64)

    def mark(self, row: int) -> bytes:
        parts = (self.texts[row], *self.people[row])
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()

    def words(self, row: int) -> str:
        return self.texts[row]

    def new(self, split: NDArray[np.int8], part: int) -> NDArray[np.int64]:
        """The rows of a split whose answer is that of no training question: who chooses among
        those, as most methods do, is never right on them."""
        known = {self.texts[row] for row in np.flatnonzero(split == TRAIN).tolist()}
        rows = [
            row for row in np.flatnonzero(split == part).tolist() if self.texts[row] not in known
        ]
        return np.array(rows, np.int64)

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "question"
    ) -> tuple[str, ...]:
        learned = {self.texts[row] for row in np.flatnonzero(split == TRAIN).tolist()}
        if not learned:
            raise DataError(nothing_to_learn(split, name=name, thing=thing, marked="has an answer"))
        if len(learned) < 2:
            raise DataError(
                f"{name}: every training question has the answer {learned.pop()!r}; expected at "
                "least two answers"
            )
        notes = []
        for part, title in ((VALIDATION, "validation"), (TEST, "test")):
            if lost := len(self.new(split, part)):
                total = int((split == part).sum())
                notes.append(
                    f"{lost:,} of {total:,} {title} answers ({percent(lost / total)}) are those of "
                    "no training question: a method that chooses among known answers is never "
                    "right on them"
                )
        return tuple(notes)

    def facts(self, split: NDArray[np.int8]) -> Facts:
        counts = Counter(self.texts)
        several = sum(len(items_of(text)) > 1 for text in self.texts)
        people = sum(len(some) > 1 for some in self.people)
        common = ", ".join(f"{text!r} ({count:,})" for text, count in counts.most_common(5))
        remarks = [f"{len(counts):,} different answers; the commonest are {common}."]
        if several:
            remarks.append(f"{several:,} answers are of several words.")
        if people:
            remarks.append(f"{people:,} questions were answered by several people.")
        new = len(self.new(split, TEST))
        values = {
            "answers": len(counts), "of_several_words": several, "of_several_people": people,
            "test_answers_never_learned": new,
        }  # fmt: skip
        return Facts(remarks=tuple(remarks), values=values)


@dataclass(frozen=True, eq=False)
class ReadQuestions(Prepared):
    """A set and its pictures, each decoded once however often it is asked about.

    Attributes:
        pictures: (N,) the row of each question's picture among the pixels.
        pixels: for each view, (M, S, S, C) uint8.
        paths: (M,) of the pictures.
        kept: what methods have computed of all pictures, for the next.
    """

    pictures: NDArray[np.int64]
    pixels: Mapping[View, NDArray[np.uint8]]
    paths: tuple[str, ...]
    kept: dict[str, Any] = field(default_factory=dict)


def read_questions(dataset: Dataset[Answers], views: Sequence[View]) -> ReadQuestions:
    """Decodes every picture of a set in these views; questions about those that cannot be read are
    left out with the reason.

    Raises:
        DataError: if what can be read is not enough to learn from.
        StorageError: if there is no room for the pixels.
    """
    inputs = dataset.inputs
    assert isinstance(inputs, Questions)
    unique = list(dict.fromkeys(inputs.paths))
    files = Files(unique, inputs.root)
    every = [str(files.path(row)) for row in range(len(unique))]
    pixels, broken = pixels_of_files(every, tuple(dict.fromkeys(views)))
    lost = {unique[row]: why for row, why in broken.items()}
    reasons = {row: lost[path] for row, path in enumerate(inputs.paths) if path in lost}
    dataset, _ = narrowed(dataset, reasons)
    kept = dataset.inputs
    assert isinstance(kept, Questions)
    read = [path for path in unique if path not in lost]
    place = {path: number for number, path in enumerate(read)}
    pictures = np.array([place[path] for path in kept.paths], np.int64)
    return ReadQuestions(dataset, pictures, pixels, tuple(read))
