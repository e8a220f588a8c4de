"""Recordings as inputs, and what is said in them as targets."""

import hashlib
import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate import audio
from striate.audio import Filters
from striate.data.dataset import Dataset, InFiles
from striate.data.names import printable, quoted
from striate.data.narrowing import narrowed
from striate.data.prepared import Prepared
from striate.data.splits import TRAIN, Rows
from striate.data.targets import Facts, Targets
from striate.data.threads import cores
from striate.errors import AudioError, DataError
from striate.hmm import Lexicon
from striate.progress import track

FILTERS = Filters(energy=True)
SILENT = math.log(FILTERS.window * 2.0**-28)  # energy: samples that differ by two steps of 16 bits
NOTHING = "is silent: nothing in it is louder than the smallest step of 16 bits"
Spectra = NDArray[np.float32]  # (T, FILTERS.width): log-mel energies, and the whole energy


class Recordings(InFiles):
    """Recordings that are files.

    Args:
        names: (N,) what each is called, where that is not its path.
    """

    thing: ClassVar[str] = "recording"

    def __init__(
        self,
        paths: Iterable[str],
        root: str | os.PathLike[str] = ".",
        names: Sequence[str] | None = None,
    ):
        super().__init__(paths, root)
        self.names = self.paths if names is None else tuple(names)

    def __getitem__(self, row: int) -> NDArray[np.float32]:
        """Samples (N,), as `audio.read` gives them."""
        return audio.read(self.path(row))

    def name(self, row: int) -> str:
        return printable(self.names[row])

    def take(self, rows: Rows) -> "Recordings":
        some = np.asarray(rows, np.int64).tolist()
        return Recordings(
            [self.paths[row] for row in some], self.root, [self.names[row] for row in some]
        )


@dataclass(frozen=True, eq=False)
class Transcripts(Targets):
    """The words of each recording.

    Attributes:
        sentences: (N,) words, with single blanks between.
        speakers: (N,) who speaks; "" where nobody says.
        lexicon: how words are pronounced.
        spelled: whether that is letter by letter, because there is no dictionary.
    """

    sentences: tuple[str, ...]
    speakers: tuple[str, ...]
    lexicon: Lexicon
    spelled: bool = False
    names: tuple[str, ...] = ()

    kind: ClassVar[str] = "transcripts"
    contradiction: ClassVar[str] = "with different words"

    def __post_init__(self) -> None:
        if len(self.sentences) != len(self.speakers):
            raise ValueError("sentences and speakers should be as many")

    def __len__(self) -> int:
        return len(self.sentences)

    def take(self, rows: Rows) -> "Transcripts":
        some = np.asarray(rows, np.int64).tolist()
        return replace(
            self,
            sentences=tuple(self.sentences[row] for row in some),
            speakers=tuple(self.speakers[row] for row in some),
        )

    def strata(self) -> NDArray[np.int64]:
        return np.zeros(len(self), np.int64)

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.zeros((0, 3), np.int64)

    def mark(self, row: int) -> bytes:
        ways = [self.lexicon.pronunciations[self.lexicon.numbers[word]]
                for word in self.words(row).split() if word in self.lexicon.numbers]  # fmt: skip
        return hashlib.sha256(f"{self.words(row)}\0{ways}".encode("utf-8", "replace")).digest()

    def words(self, row: int) -> str:
        return self.sentences[row]

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "recording"
    ) -> tuple[str, ...]:
        learned = {
            word for row in np.flatnonzero(split == TRAIN).tolist() for word in self._split(row)
        }
        if not learned:
            raise DataError(f"{name}: no training recording has words")
        notes = []
        others = {
            word for row in np.flatnonzero(split > TRAIN).tolist() for word in self._split(row)
        }
        if new := sorted(others - learned):
            notes.append(f"in no training recording, but in others: {quoted(new)}")
        if unknown := sorted(others - set(self.lexicon.words)):
            notes.append(f"scored as mistakes, for the dictionary lacks them: {quoted(unknown)}")
        if self.spelled:
            notes.append("there is no dictionary: words are spelled letter by letter")
        if drawn and not any(self.speakers):
            notes.append("nobody says who speaks: a speaker may be in several splits")
        return tuple(notes)

    def _split(self, row: int) -> list[str]:
        return self.sentences[row].split()

    def facts(self, split: NDArray[np.int8]) -> Facts:
        words = [len(sentence.split()) for sentence in self.sentences]
        speakers = {speaker for speaker in self.speakers if speaker}
        known = {word for sentence in self.sentences for word in sentence.split()}
        values = {"words": sum(words), "different_words": len(known), "speakers": len(speakers)}
        who = f" by {len(speakers):,} speakers" if speakers else ""
        said = f"{sum(words):,} words of {len(known):,}{who}."
        faults = []
        if both := self._on_both_sides(split):
            faults.append(f"speakers in several splits: {quoted(both)}")
        return Facts(tuple(faults), (said,), values=values)

    def _on_both_sides(self, split: NDArray[np.int8]) -> list[str]:
        sides: dict[str, set[int]] = {}
        for speaker, part in zip(self.speakers, split.tolist(), strict=True):
            if speaker and part >= 0:
                sides.setdefault(speaker, set()).add(part)
        return sorted(speaker for speaker, parts in sides.items() if len(parts) > 1)


@dataclass(frozen=True, eq=False)
class ReadRecordings(Prepared):
    """A set and its recordings.

    Attributes:
        spectra: (T, FILTERS.width) log-mel features of each row.
    """

    spectra: tuple[Spectra, ...]


def read_recordings(dataset: Dataset[Any]) -> ReadRecordings:
    """Every recording of a set, read once; what cannot be read is left out with the reason.

    Raises:
        DataError: if what can be read is not enough to learn from.
    """

    def attempt(row: int) -> "Spectra | AudioError":
        try:
            found = audio.log_mel([dataset.inputs[row]], FILTERS)[0]
            return found if found[:, -1].max() > SILENT else AudioError(NOTHING)
        except AudioError as error:
            return error

    with ThreadPoolExecutor(cores()) as pool:
        every = pool.map(attempt, range(len(dataset)))
        found = list(track(every, "read recordings", len(dataset)))
    broken = {row: str(one) for row, one in enumerate(found) if isinstance(one, AudioError)}
    kept, rows = narrowed(dataset, broken)
    some = [found[row] for row in rows.tolist()]
    return ReadRecordings(kept, tuple(one for one in some if not isinstance(one, AudioError)))
