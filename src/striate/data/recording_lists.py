"""Recordings with transcripts: a table, Kaldi's files, or a text beside each recording.

A pronunciation dictionary that lies with them (`*.dic`, `lexicon.txt`) is used; without one, words
are spelled by their letters.
"""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from striate.audio import SUFFIXES
from striate.data.dataset import Dataset
from striate.data.headings import normal
from striate.data.markup import text_of
from striate.data.names import quoted
from striate.data.places import Pictures
from striate.data.recordings import Recordings, Transcripts
from striate.data.roles import role, roles, split_of_cell
from striate.data.sniffing import start_of
from striate.data.splits import TEST, TRAIN
from striate.data.walking import CLUTTER, MARKING, walk
from striate.errors import DataError, UserError
from striate.files import read_bytes
from striate.hmm import Lexicon, read_dictionary
from striate.hmm.lexicon import MAX_BYTES
from striate.images import SUFFIXES as PICTURES

LOOKED = 1_000  # files by which a folder is known: other sets have millions
TABLES = (".tsv", ".csv")
PATH = ("file", "path", "audio", "wav", "filename", "file name", "audio path", "audio file",
        "audio filepath", "recording", "clip", "wav filename")  # fmt: skip
WORDS = ("words", "text", "transcript", "sentence", "transcription", "utterance", "normalized text")
SPEAKER = ("speaker", "speaker id", "spk", "client id", "person", "voice")
SPLIT = ("split", "set", "subset", "partition")
DICTIONARIES = ("*.dic", "*.dict", "lexicon.txt", "lexicon.tsv", "dictionary.txt",
                "dict/lexicon.txt", "local/dict/lexicon.txt")  # fmt: skip
EXPECTED = (
    "a table (.tsv, .csv) with the columns file and words, Kaldi's wav.scp and text, or a .txt of "
    "the same name beside each recording"
)
WAV_SCP, TEXT, UTT2SPK = "wav.scp", "text", "utt2spk"


@dataclass(frozen=True)
class Row:
    """A recording as a list has it; its path is relative to the root of the set."""

    path: str
    words: str
    speaker: str
    split: int
    name: str = ""


# A table


def is_recording_list(path: Path) -> bool:
    """Whether a file is a table of recordings and their words, by its first lines."""
    if not path.is_file() or path.suffix.lower() not in TABLES:
        return False
    lines = text_of(start_of(path))[0].splitlines()[:3]
    headings, rows = _cut(lines)
    place = _place(headings, PATH)
    if place < 0 or _place(headings, WORDS) < 0:
        return False
    return any(Path(_cell(row, place)).suffix.lower() in SUFFIXES for row in rows)


def is_recording_lists(path: Path) -> bool:
    """Whether a folder holds such tables: `train.tsv` with others, or one alone."""
    return path.is_dir() and bool(_tables(path))


def open_recording_lists(path: Path, *, seed: int) -> Dataset[Transcripts]:
    """The recordings of a table, or of those in a folder, by the splits that their names say; the
    table of a training part brings the others beside it."""
    if path.is_dir():
        found = _tables(path)
    elif role(path.stem, file=True) == TRAIN:
        beside = _tables(path.parent)
        found = beside if path in beside else {path: TRAIN}
    else:
        found = {path: role(path.stem, file=True) or TRAIN}
        if found[path] != TRAIN:
            found[path] = TEST
    root = path if path.is_dir() else path.parent
    rows = [row for table, split in found.items() for row in _of_table(table, split, root)]
    return _dataset(path, root, _found(rows, root), seed)


def _tables(folder: Path) -> dict[Path, int]:
    """The tables of recordings in a folder, and the split of each."""
    with os.scandir(folder) as entries:
        names = sorted(each.name for each in entries if each.name.lower().endswith(TABLES))
    tables = [folder / name for name in names if is_recording_list(folder / name)]
    if len(tables) == 1:
        return {tables[0]: TRAIN}
    known = roles([each.stem for each in tables])
    found = {each: known[each.stem] for each in tables if each.stem in known}
    return found if TRAIN in found.values() else {}


def _of_table(path: Path, split: int, root: Path) -> Iterator[Row]:
    headings, rows = _cut(_text(path).splitlines())
    path_at, words_at, speaker_at, split_at = (
        _place(headings, names) for names in (PATH, WORDS, SPEAKER, SPLIT)
    )
    for number, cells in enumerate(rows, 2):
        if not any(cells):
            continue
        place = _cell(cells, path_at)
        if not place:
            raise DataError(f"{path}, line {number}: names no recording")
        own = split_of_cell(_cell(cells, split_at))
        words, speaker = _cell(cells, words_at), _cell(cells, speaker_at)
        yield Row(place, words, speaker, split if own is None else own)


def _found(rows: list[Row], root: Path) -> list[Row]:
    """The rows with the path of each recording: as the table has it, or by its last parts wherever
    it lies below the root, for tables are made on other machines."""
    rows = [
        row if (root / row.path).is_file() else replace(row, path=row.path.replace("\\", "/"))
        for row in rows
    ]
    lost = [row.path for row in rows if not (root / row.path).is_file()]
    if not lost:
        return rows
    taken = {os.path.normpath(row.path) for row in rows} - {os.path.normpath(each) for each in lost}
    joined = Pictures(walk(root, SUFFIXES)).join(((each, ()) for each in lost), taken)
    places = {each: file for each, file in zip(lost, joined, strict=True) if isinstance(file, str)}
    return [replace(row, path=places.get(row.path, row.path)) for row in rows]


def _cut(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    """The headings of a table, normalized, and the cells of its other lines. Only commas may stand
    in quotes: in tables cut by tabs a quote is a mark like any other."""
    if not lines:
        return [], []
    separator = max("\t,;|", key=lines[0].count)
    try:
        if separator == ",":
            rows = list(csv.reader(lines))
        else:
            rows = list(csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE))
    except csv.Error:
        return [], []
    return [normal(cell) for cell in rows[0]], rows[1:]


def _place(headings: list[str], names: tuple[str, ...]) -> int:
    """The column of the first of these names that is there, or -1."""
    return next((headings.index(name) for name in names if name in headings), -1)


def _cell(cells: list[str], place: int) -> str:
    return cells[place].strip() if 0 <= place < len(cells) else ""


# Kaldi's files


def is_kaldi(path: Path) -> bool:
    """Whether a folder holds wav.scp and text, itself or in the folders of its splits."""
    return path.is_dir() and bool(_kaldi_parts(path))


def open_kaldi(path: Path, *, seed: int) -> Dataset[Transcripts]:
    """The utterances of wav.scp with the words of text, and the speakers of utt2spk."""
    rows: list[Row] = []
    for folder, split in _kaldi_parts(path).items():
        if (folder / "segments").is_file():
            raise DataError(
                f"{folder / 'segments'}: parts of recordings are not read; cut them into files"
            )
        wavs, words = (dict(_pairs(folder / name)) for name in (WAV_SCP, TEXT))
        speakers = dict(_pairs(folder / UTT2SPK)) if (folder / UTT2SPK).is_file() else {}
        for name, place in wavs.items():
            file = Path(place)
            if not file.is_absolute() and not (path / file).exists():
                file = folder.relative_to(path) / file
            rows.append(Row(str(file), words.get(name, ""), speakers.get(name, ""), split, name))
    return _dataset(path, path, rows, seed)


def _kaldi_parts(path: Path) -> dict[Path, int]:
    if (path / WAV_SCP).is_file() and (path / TEXT).is_file():
        return {path: TRAIN}
    with os.scandir(path) as entries:
        names = sorted(each.name for each in entries if each.is_dir())
    folders = [path / name for name in names if (path / name / WAV_SCP).is_file()]
    known = roles([each.name for each in folders])
    return {each: known[each.name] for each in folders if each.name in known}


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The first word of each line, and the rest of it."""
    for line in _text(path).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name:
            yield name, rest.strip()


# A text beside each recording


def is_recording_folder(path: Path) -> bool:
    """Whether a folder has recordings with a text of the same name beside them, or recordings
    alone."""
    if not path.is_dir():
        return False
    files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    some = list(islice(files, LOOKED))
    suffixes = {each.suffix.lower() for each in some}
    if not suffixes & SUFFIXES:
        return False
    return not suffixes & (PICTURES | MARKING) or any(
        each.suffix.lower() in SUFFIXES and each.with_suffix(".txt").is_file() for each in some
    )


def open_recording_folder(path: Path, *, seed: int) -> Dataset[Transcripts]:
    """Recordings, each with a `.txt` of the same name; folders are splits, or speakers."""
    rows = []
    for file in _walk(path):
        folders = file.relative_to(path).parts[:-1]
        splits = [split for name in folders if (split := role(name)) is not None]
        speaker = next((name for name in reversed(folders) if role(name) is None), "")
        beside = file.with_suffix(".txt")
        words = _text(beside) if beside.is_file() else ""
        split = splits[0] if splits else TRAIN
        rows.append(Row(str(file.relative_to(path)), words, speaker, split))
    return _dataset(path, path, rows, seed)


def _walk(path: Path) -> Iterator[Path]:
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() in SUFFIXES and not CLUTTER & {part.lower() for part in file.parts}:
            yield file


# All of them


def _text(path: Path) -> str:
    try:
        text, guessed = text_of(read_bytes(path, limit=MAX_BYTES))
    except UserError as error:
        raise DataError(str(error)) from error
    if "\0" in text and guessed is not None:
        raise DataError(f"{path}: not a text file")
    return text


def _dictionary(root: Path) -> list[tuple[str, tuple[str, ...]]]:
    """The entries of the dictionary that lies with a set; none where there is none."""
    for pattern in DICTIONARIES:
        for path in sorted(root.glob(pattern)):
            try:
                return read_dictionary(_text(path))
            except DataError as error:
                reason = str(error).removeprefix(f"{path}: ")
                raise DataError(f"{path}: {reason}") from error
    return []


def _dataset(path: Path, root: Path, rows: list[Row], seed: int) -> Dataset[Transcripts]:
    """The set of these rows, without those that cannot be learned from."""
    entries = _dictionary(root)
    known = {word.casefold(): word for word, _ in entries}
    sentences = [[known.get(word.casefold(), word) for word in row.words.split()] for row in rows]
    lexicon = (
        Lexicon.of(entries)
        if entries
        else Lexicon.of_letters(word for sentence in sentences for word in sentence)
    )
    reasons: dict[int, str] = {}
    lacking: dict[str, int] = {}
    for number, (row, sentence) in enumerate(zip(rows, sentences, strict=True)):
        unknown = [word for word in sentence if word not in lexicon.numbers]
        for word in unknown:
            lacking[word] = lacking.get(word, 0) + 1
        if not sentence:
            reasons[number] = "has no words"
        elif row.path.endswith("|"):
            reasons[number] = "is a command, not a file; write its output to a file"
        elif unknown and row.split != TEST:
            reasons[number] = f"the dictionary lacks {quoted(unknown[:3])}"
    if not rows or len(reasons) == len(rows):
        why = f"; of {len(rows):,}, the first {next(iter(reasons.values()))}" if rows else ""
        raise DataError(f"{path}: no recording with words{why}; expected {EXPECTED}")
    speakers = [row.speaker for row in rows]
    numbers = {speaker: number for number, speaker in enumerate(dict.fromkeys(speakers))}
    groups = np.array([numbers[speaker] for speaker in speakers], np.int64)
    data = Dataset(
        path.stem if path.is_file() else path.resolve().name,
        Recordings([row.path for row in rows], root, [row.name or row.path for row in rows]),
        Transcripts(tuple(map(" ".join, sentences)), tuple(speakers), lexicon, spelled=not entries),
        np.array([row.split for row in rows], np.int8),
        groups=groups if len(numbers) > 1 and "" not in numbers else None,
    ).without(reasons)
    if lacking:
        total = sum(lacking.values())
        most = sorted(lacking, key=lambda word: -lacking[word])
        data = data.noted(f"the dictionary lacks {len(lacking):,} words ({total:,} times): "
                          f"{quoted(most)}")  # fmt: skip
    return replace(data, seed=seed).complete(seed)
