"""Tables of texts with labels: TSV, CSV and JSON lines, with any headings or none.

A column is found by its heading or by what it holds: texts are the longest cells, and hardly any
two are alike; labels are few and short. Where the file is the training part of a set
(`x_train.tsv`, `train.csv`), the parts beside it (`x_test.tsv`, `x_dev.tsv`) belong to the set.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from striate.data.cells import Cells, read_cells
from striate.data.dataset import Dataset, LeftOut
from striate.data.headings import HEADINGS, normal
from striate.data.names import alike_but_for_case, canonical, natural, quoted, words_of
from striate.data.question_forms import columns_of as questions_in
from striate.data.question_forms import in_turn
from striate.data.roles import SPLIT_WORDS, split_of_cell
from striate.data.sniffing import START, start_of
from striate.data.splits import TEST, TRAIN
from striate.data.targets import Labels
from striate.data.texts import Texts, sound
from striate.errors import DataError, InputError
from striate.images import SUFFIXES as PICTURES

SUFFIXES = (".tsv", ".csv", ".txt", ".jsonl", ".ndjson")
EXPECTED = "expected a text and a label in each line (label<tab>text), with or without headings"
TEXT = (
    "text", "texts", "sentence", "sentences", "review", "reviews", "comment", "comments", "content",
    "message", "tweet", "question", "document", "phrase", "headline", "utterance", "description",
    "body", "email", "sms", "review text", "review body", "question text", "title", "input",
)  # fmt: skip
LABEL = (
    "label", "labels", "lbl", "class", "classes", "class name", "classname", "class label",
    "category", "categories", "category name", "label name", "labelname", "target", "targets",
    "sentiment", "polarity", "verdict", "rating", "stars", "topic", "intent", "emotion", "tag",
    "tags", "genre", "ground truth", "gt", "class id", "label id", "category id",
)  # fmt: skip
# Columns that stand beside a label more often than they are one.
ASIDE = (
    "author", "user", "username", "name", "language", "lang", "source", "url", "date", "time",
    "timestamp", "year", "country", "id", "index", "number", "no", "output", "input", "split",
)  # fmt: skip
FOLD = ("fold", "cv fold", "folds")
PLACES = 20  # rows in which paths are looked for
SAMPLE = 400  # rows by which columns are told
WORDS = 3.0  # that the cells of an unnamed column of texts have on the mean


@dataclass(frozen=True)
class Columns:
    """Which column holds what; -1 where none does.

    Attributes:
        headed: whether the first line names the columns.
        how: what to tell of the choice, where there was one.
    """

    text: int
    label: int
    split: int = -1
    fold: int = -1
    headed: bool = False
    how: str = ""


@dataclass(frozen=True)
class Row:
    """A line with a sound text and its label."""

    name: str
    text: str
    label: str
    split: int


def is_text_table(path: Path) -> bool:
    """Whether a file is a table of texts and labels, by its first lines."""
    if not path.is_file() or not path.name.lower().endswith(SUFFIXES):
        return False
    if path.suffix.lower() in (
        ".jsonl",
        ".ndjson",
    ):  # nothing else is; opening it says what is amiss
        return True
    try:
        cells = read_cells(path, start_of(path, 8 * START), whole=False)
    except DataError:
        return False
    rows = [row for _, row in cells.rows[:PLACES]]
    if asks_about_pictures(path, rows):
        return False
    try:
        columns = columns_of(path, cells)
    except DataError:  # which opening it says
        return _is_amiss(path, rows)
    return not any(_is_place(row[place]) for row in rows
                   for place in range(len(row)) if place != columns.text)  # fmt: skip


def asks_about_pictures(path: Path, rows: list[list[str]]) -> bool:
    """Whether a table is of questions about pictures, which are more than a text and a label."""
    return bool(rows) and (
        questions_in(rows[0]).complete
        or (path.suffix.lower() == ".txt" and in_turn("\n".join(row[0] for row in rows)))
    )


def _is_amiss(path: Path, rows: list[list[str]]) -> bool:
    """Whether a table of which it is not known what its columns hold is of texts: it has sentences,
    or its name says so and no picture lies beside it."""
    if not rows or any(_is_place(cell) for row in rows for cell in row):
        return False
    width = max(map(len, rows))
    sentences = any(
        _words([row[place] for row in rows[1:] if place < len(row)]) >= WORDS
        for place in range(width)
    )
    return sentences or (path.suffix.lower() == ".tsv" and not _has_pictures(path.parent))


def is_text_parts(path: Path) -> bool:
    """Whether a folder holds the parts of one set as tables (`train.tsv`, `test.tsv`), and no
    pictures that those would speak of."""
    return path.is_dir() and _training_part(path) is not None and not _has_pictures(path)


def _has_pictures(folder: Path) -> bool:
    """Whether pictures lie in a folder, or in a folder in it."""
    below = [each for each in folder.iterdir() if each.is_dir()]
    return any(
        file.suffix.lower() in PICTURES for place in (folder, *below) for file in place.iterdir()
    )


def open_text_parts(path: Path, *, seed: int) -> Dataset[Labels]:
    """The set whose training part lies in a folder."""
    part = _training_part(path)
    assert part is not None
    return open_text_table(part, seed=seed)


def open_text_table(path: Path, *, seed: int) -> Dataset[Labels]:
    """The texts of a table, and of the other parts of its set that lie beside it.

    Lines without a label or a readable text are left out with the reason.

    Raises:
        DataError: if it is not known what the columns hold, or no line can be used.
    """
    left_out: list[LeftOut] = []
    notes: list[str] = []
    rows: list[Row] = []
    for split, part in parts_of(path):
        rows += _rows(part, split, left_out, notes)
    if not rows:
        why = f" ({left_out[0].name}: {left_out[0].reason})" if left_out else ""
        raise DataError(f"{path}: no line with a label and a text{why}; {EXPECTED}")
    rows.sort(key=lambda row: row.split)
    classes = sorted({row.label for row in rows}, key=natural)
    if note := alike_but_for_case(classes):
        notes.append(note)
    number = {label: place for place, label in enumerate(classes)}
    data = Dataset(
        name=path.stem,
        inputs=Texts([row.text for row in rows], [row.name for row in rows]),
        targets=Labels(
            tuple(classes), np.array([number[row.label] for row in rows], dtype=np.int64)
        ),
        split=np.array([row.split for row in rows], dtype=np.int8),
        left_out=tuple(left_out),
        notes=tuple(dict.fromkeys(notes)),
    )
    return data.complete(seed)


def parts_of(path: Path) -> list[tuple[int, Path]]:
    """The files of a set with their splits, the given one first.

    Only the training part asks for the others; a file whose name says no split is learned from.
    """
    own, rest = _named(path)
    if own is None:
        return [(TRAIN, path)]
    found = {own: path}
    if own == TRAIN:
        for other in sorted(path.parent.glob(f"*{path.suffix}")):
            split, words = _named(other)
            if split is not None and words == rest and other.is_file():
                found.setdefault(split, other)
    return list(found.items())


def _named(path: Path) -> tuple[int | None, tuple[str, ...]]:
    """The split that a file's name says, and its other words."""
    words = words_of(path.stem)
    splits = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    rest = tuple(word for word in words if word not in SPLIT_WORDS)
    return (splits.pop() if len(splits) == 1 else None), rest


def _training_part(folder: Path) -> Path | None:
    files = [each for each in sorted(folder.iterdir()) if each.name.lower().endswith(SUFFIXES)]
    found = [each for each in files if _named(each)[0] == TRAIN]
    return found[0] if len(found) == 1 and is_text_table(found[0]) else None


def _rows(path: Path, split: int, left_out: list[LeftOut], notes: list[str]) -> list[Row]:
    """The lines of one file that can be used; `split` is for those that say none."""
    cells = read_cells(path)
    left_out += [LeftOut(f"{path.name}:{number}", why) for number, why in cells.damaged]
    if not cells.rows:
        raise DataError(f"{path}: empty; {EXPECTED}")
    columns = columns_of(path, cells)
    notes += cells.notes
    if columns.how:
        notes.append(columns.how)
    body = cells.rows[1:] if columns.headed else cells.rows
    folds = _folds(body, columns, notes)
    found = []
    for number, row in body:
        name = f"{path.name}:{number}"
        label = canonical(_cell(row, columns.label))
        own = split
        if columns.split >= 0:
            told = split_of_cell(_cell(row, columns.split).strip())
            if told is None:
                left_out.append(
                    LeftOut(name, f"no split that is known: {row[columns.split]!r:.40}")
                )
                continue
            own = told
        elif folds and _cell(row, columns.fold).strip() == folds[-1]:
            own = TEST
        if not label:
            left_out.append(LeftOut(name, "has no label"))
            continue
        try:
            found.append(Row(name, sound(_cell(row, columns.text)), label, own))
        except InputError as error:
            left_out.append(LeftOut(name, str(error)))
    return found


def _cell(row: list[str], place: int) -> str:
    return row[place] if 0 <= place < len(row) else ""


def _folds(body: list[tuple[int, list[str]]], columns: Columns, notes: list[str]) -> list[str]:
    """The folds of a table that has them, in order; the last one is scored."""
    if columns.fold < 0 or columns.split >= 0:
        return []
    folds = sorted({_cell(row, columns.fold).strip() for _, row in body}, key=natural)
    if len(folds) > 1:
        notes.append(f"of its {len(folds)} folds, {folds[-1]} is scored and the others are learned")
    return folds if len(folds) > 1 else []


def columns_of(path: Path, cells: Cells) -> Columns:
    """Which column holds what.

    Raises:
        DataError: if it is not known.
    """
    rows = [row for _, row in cells.rows[: SAMPLE + 1]]
    if not rows:
        raise DataError(f"{path}: empty; {EXPECTED}")
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    if width < 2:
        raise DataError(f"{path}: one column ({rows[0][0]!r:.60}); {EXPECTED}")
    heads = [normal(cell) for cell in rows[0]]
    text, label = _first(heads, TEXT), _first(heads, LABEL)
    named = cells.named or (text >= 0 and text != label) or (label >= 0 and _is_heading(rows))
    headed = named or _is_heading(rows)
    body = [row for row in (rows[1:] if headed else rows) if len(row) == width]
    if not body:
        raise DataError(f"{path}: headings and no line below; {EXPECTED}")
    if not named:
        text = label = -1
    split = fold = -1
    if named:
        split, fold = _first(heads, HEADINGS["split"]), _first(heads, FOLD)
    if text < 0:
        text = _texts_by_content(path, body, {label, split, fold})
    if label < 0:
        label = _labels_by_content(path, body, {text, split, fold}, heads if headed else [])
    split = -1 if split in (text, label) else split
    return Columns(
        text, label, split, fold, headed, _how(heads, headed, (text, label, split, fold))
    )


def _how(heads: list[str], headed: bool, taken: tuple[int, int, int, int]) -> str:
    """Which columns are taken, where others could be; "" where there is no doubt."""
    text, label, *_ = taken
    rest = [place for place in range(len(heads)) if place not in taken]
    called = [repr(heads[place]) if headed else str(place + 1) for place in range(len(heads))]
    if not rest and (not headed or (heads[text] in TEXT and heads[label] in LABEL)):
        return ""
    note = f"the text is column {called[text]} and the label column {called[label]}"
    if not rest:
        return note
    others = ", ".join(called[place] for place in rest)
    return f"{note}, not {others}; to choose, call the columns text and label in the first line"


def _first(heads: list[str], names: tuple[str, ...]) -> int:
    return next((heads.index(name) for name in names if name in heads), -1)


def _is_heading(rows: list[list[str]]) -> bool:
    """Whether the first line is of single words that no later line repeats, above longer cells."""
    first, rest = rows[0], rows[1:]
    if len(rest) < 2 or any(len(cell.split()) > 3 or not cell.strip() for cell in first):
        return False
    below = [[row[place] for row in rest if place < len(row)] for place in range(len(first))]
    longest = max(range(len(first)), key=lambda place: _words(below[place]))
    return (
        _words(below[longest]) >= WORDS
        and len(first[longest].split()) <= 2
        and not any(cell in column for cell, column in zip(first, below, strict=True))
    )


def _words(column: list[str]) -> float:
    """The mean number of words in a cell; numbers, as of a box, are none."""
    counts = [sum(map(_has_letter, cell.split())) for cell in column]
    return mean(counts) if counts else 0.0


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))


def _texts_by_content(path: Path, body: list[list[str]], taken: set[int]) -> int:
    """The column with the longest cells.

    Raises:
        DataError: if none holds sentences.
    """
    places = [place for place in range(len(body[0])) if place not in taken]
    longest = max(places, key=lambda place: _words([row[place] for row in body]))
    column = [row[longest] for row in body]
    if _words(column) < WORDS or 2 * len(set(column)) < len(column):
        raise DataError(f"{path}: no column of texts; {EXPECTED}")
    return longest


def _labels_by_content(path: Path, body: list[list[str]], taken: set[int], heads: list[str]) -> int:
    """The one column of short cells that repeat; of several, the one whose name does not say that
    it is something else, or says that it may be one.

    Args:
        heads: the names of the columns; [] where they have none.

    Raises:
        DataError: if none, or several, could be meant.
    """
    found: list[int] = []
    for place in range(len(body[0])):
        column = [row[place].strip() for row in body]
        kinds = len(set(column))
        repeats = kinds <= max(2, len(column) // 3)
        if place not in taken and kinds > 1 and repeats and _words(column) < WORDS:
            found.append(place)
    if heads and len(found) > 1:
        found = [place for place in found if heads[place] not in ASIDE] or found
    if heads and len(found) > 1:
        found = [place for place in found if heads[place] in HEADINGS["label"]] or found
    if not found:  # one class is refused later, by name
        single = [
            p for p in range(len(body[0])) if p not in taken and len({r[p] for r in body}) == 1
        ]
        if len(single) == 1:
            return single[0]
        raise DataError(f"{path}: no column of labels, which repeat; {EXPECTED}")
    if len(found) > 1:
        names = quoted(heads[place] if heads else str(place + 1) for place in found)
        raise DataError(
            f"{path}: columns {names} could each be the label; call it label in the first line"
        )
    return found[0]


def _is_place(cell: str) -> bool:
    """Whether a cell looks like the path of a file."""
    stem, dot, suffix = cell.strip().rpartition(".")
    return bool(dot and stem) and 2 <= len(suffix) <= 5 and suffix.isalnum() and not (
        suffix.isdecimal() or " " in cell.strip()
    )  # fmt: skip
