"""Questions about pictures on disk: a table, DAQUAR's lines, the JSON of VQA.

qa.tsv                                    split, image, question, answer; any of these headings
qa.37.raw.train.txt                       "what is on the desk in the image4 ?", the answer below
v2_OpenEnded_mscoco_train2014_questions.json, v2_mscoco_train2014_annotations.json
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.cells import read_cells
from striate.data.coco import Ids, plain_id
from striate.data.dataset import Dataset, LeftOut
from striate.data.markup import NotReadable, read_json, text_of
from striate.data.names import counted, natural, printable, quoted, stem_of, words_of
from striate.data.places import Missed, Pictures
from striate.data.question_forms import about, columns_of, in_turn
from striate.data.questions import MOST_WORDS, Answers, Questions, plain_answer, sound_question
from striate.data.roles import SPLIT_WORDS, split_of_cell
from striate.data.sniffing import start_of
from striate.data.splits import TRAIN
from striate.data.text_tables import parts_of
from striate.data.walking import walk
from striate.errors import DataError, InputError, UserError
from striate.files import read_bytes

TABLES = (".tsv", ".csv")
LARGEST = 2**28  # bytes of a file of lines
NUMBER = re.compile(r"(\d+)$")
EXPECTED = (
    "expected a table (.tsv, .csv) with the columns image, question and answer, DAQUAR's lines of "
    "questions and answers, or the JSON files of VQA"
)


@dataclass(frozen=True)
class Row:
    """A question as a file has it.

    Attributes:
        name: where it stands: "qa.tsv:17".
        image: what the file calls the picture.
    """

    name: str
    image: str
    question: str
    answer: str
    split: int
    people: tuple[str, ...] = ()
    type: str = ""


@dataclass(frozen=True)
class TableRows:
    """The lines of a table, those that cannot be read, and what is to be told of the table."""

    rows: list[Row]
    left_out: list[LeftOut]
    notes: list[str]


# Tables


def is_question_table(path: Path) -> bool:
    """Whether a file, or one in a folder, is a table of images with questions and answers."""
    return bool(_tables(path))


def open_question_table(path: Path, *, seed: int) -> Dataset[Answers]:
    """The questions of a table, in the splits of its own column or of its files' names.

    Raises:
        DataError: if none of its pictures is there.
    """
    rows, left_out, notes = [], [], []
    for table, split in _parts(_tables(path)):
        told = table_rows(table, split)
        rows += told.rows
        left_out += told.left_out
        notes += told.notes
    return _dataset(path, rows, seed, left_out, notes)


def table_rows(path: Path, split: int = TRAIN, *, answered: bool = True) -> TableRows:
    """The lines of a table.

    Args:
        split: of lines that say none.
        answered: whether answers are needed.

    Raises:
        DataError: if it has no columns of images and questions.
    """
    cells = read_cells(path)
    columns = columns_of(cells.rows[0][1] if cells.rows else ())
    if not columns.complete and (answered or min(columns.image, columns.question) < 0):
        raise DataError(f"{path}: {EXPECTED}")
    found = []
    left_out = [LeftOut(f"{path.name}:{number}", why) for number, why in cells.damaged]
    for number, row in cells.rows[1:]:
        if surplus := cells.surplus(row):
            left_out.append(LeftOut(f"{path.name}:{number}", surplus))
            continue
        image, question, answer, own, kind = (_cell(row, place) for place in columns)
        told = split_of_cell(own)
        part = split if told is None else told
        found.append(Row(f"{path.name}:{number}", image, question, answer, part, type=kind))
    return TableRows(found, left_out, cells.notes)


def _tables(path: Path) -> list[Path]:
    return _of_form(path, TABLES, _is_table)


def _is_table(path: Path) -> bool:
    try:
        cells = read_cells(path, start_of(path), whole=False)
    except DataError:
        return False
    return bool(cells.rows) and columns_of(cells.rows[0][1]).complete


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if 0 <= place < len(row) else ""


# DAQUAR


def is_daquar(path: Path) -> bool:
    """Whether a text file, or one in a folder, has questions about numbered images, an answer below
    each."""
    return bool(_lines(path))


def open_daquar(path: Path, *, seed: int) -> Dataset[Answers]:
    """The questions of DAQUAR's files (Malinowski & Fritz 2014); the image is named at the end of
    each question.

    Raises:
        DataError: if none of its pictures is there.
    """
    rows = [row for file, split in _parts(_lines(path)) for row in daquar_rows(file, split)]
    return _dataset(path, rows, seed)


def daquar_rows(path: Path, split: int) -> list[Row]:
    """The lines of a file: a question, which names its image, and an answer below."""
    lines = [line.strip() for line in _text(path).splitlines()]
    places = [number for number, line in enumerate(lines) if line]
    found: list[Row] = []
    for place, number in enumerate(places):
        question, image = about(lines[number])
        if not image:
            continue
        below = lines[places[place + 1]] if place + 1 < len(places) else ""
        answer = "" if about(below)[1] else below
        found.append(Row(f"{path.name}:{number + 1}", image, question, answer, split))
    return found


def _lines(path: Path) -> list[Path]:
    return _of_form(path, (".txt",), lambda file: in_turn(text_of(start_of(file))[0]))


# VQA


def is_vqa(path: Path) -> bool:
    """Whether a file is the questions or the annotations of VQA, or a folder holds both."""
    return bool(_of_form(path, (".json",), _is_vqa))


def open_vqa(path: Path, *, seed: int) -> Dataset[Answers]:
    """The questions of VQA (Antol et al. 2015; Goyal et al. 2017) with the answers of ten people.

    Raises:
        DataError: if the files do not belong together, or none of the pictures is there.
    """
    beside = path.parent if path.is_file() else path
    tables = [(file, _table(file)) for file in _of_form(beside, (".json",), _is_vqa)]
    annotations = [
        entry
        for _, table in tables
        if isinstance(table.get("annotations"), list)
        for entry in table["annotations"]
        if isinstance(entry, dict) and plain_id(entry.get("question_id")) is not None
    ]
    notes = Ids((entry["question_id"], entry) for entry in annotations)
    asked = [(file, table) for file, table in tables if isinstance(table.get("questions"), list)]
    if path.is_file():
        asked = [one for one in asked if one[0] == path] or asked[:1]
    if not asked or not annotations:
        missing = "questions" if not asked else "annotations"
        raise DataError(f"{path}: no file of {missing} lies there; {EXPECTED}")
    rows = [
        _vqa_row(file, entry, notes.get(entry.get("question_id")) or {})
        for file, table in asked
        for entry in table["questions"]
        if isinstance(entry, dict)
    ]
    return _dataset(path, rows, seed)


def _vqa_row(file: Path, entry: dict[str, Any], told: dict[str, Any]) -> Row:
    """A question and what is told of it; what is not as it should be is empty."""
    answers = told.get("answers")
    people = tuple(
        str(one["answer"])
        for one in (answers if isinstance(answers, list) else ())
        if isinstance(one, dict) and isinstance(one.get("answer"), str)
    )
    common = told.get("multiple_choice_answer")
    if not isinstance(common, str):
        common = Counter(people).most_common(1)[0][0] if people else ""
    image, question = plain_id(entry.get("image_id")), entry.get("question")
    return Row(
        f"{file.name}:{entry.get('question_id')}", "" if image is None else str(image),
        question if isinstance(question, str) else "", common, _split_of(file),
        people, str(told.get("answer_type", "")),
    )  # fmt: skip


def _table(path: Path) -> dict[str, Any]:
    try:
        table = read_json(path)
    except NotReadable as error:
        raise DataError(f"{path}: {error}") from error
    if not isinstance(table, dict):
        raise DataError(f"{path}: {EXPECTED}")
    return table


def _is_vqa(path: Path) -> bool:
    start = start_of(path)
    return b'"question_id"' in start or b'"questions"' in start


# All of them


def _of_form(path: Path, suffixes: Sequence[str], is_form: Callable[[Path], bool]) -> list[Path]:
    """The file, or the files in a folder, that are of a form."""
    if path.is_dir():
        files = sorted(
            each for each in path.iterdir()
            if each.suffix.lower() in suffixes and each.is_file() and each.name[0] != "."
        )  # fmt: skip
    else:
        files = [path] if path.suffix.lower() in suffixes else []
    return [file for file in files if is_form(file)]


def _parts(files: Sequence[Path]) -> list[tuple[Path, int]]:
    """The files of a set with the split that each name says. A single one brings those beside it;
    of several, those that say none are learned from."""
    if len(files) == 1:
        return [(file, split) for split, file in parts_of(files[0])]
    return [(file, _split_of(file)) for file in files]


def _split_of(file: Path) -> int:
    found = {SPLIT_WORDS[word] for word in words_of(file.stem) if word in SPLIT_WORDS}
    return found.pop() if len(found) == 1 else TRAIN


def _text(path: Path) -> str:
    try:
        return text_of(read_bytes(path, limit=LARGEST))[0]
    except UserError as error:
        raise DataError(str(error)) from error


def _dataset(
    path: Path, rows: list[Row], seed: int, lost: Sequence[LeftOut] = (), told: Sequence[str] = ()
) -> Dataset[Answers]:
    """The set of these rows, without those that cannot be learned from.

    Args:
        lost: lines of the files that are no rows.
        told: notes about the files.
    """
    root = path if path.is_dir() else path.parent
    left_out = list(lost)
    asked: list[Row] = []
    for row in rows:
        try:
            question, why = sound_question(row.question), ""
        except InputError as error:
            question, why = "", str(error)
        if not row.image:
            why = why or "names no image"
        elif not plain_answer(row.answer):
            why = why or "has no answer"
        elif (words := len(row.answer.split())) > MOST_WORDS:
            why = why or f"the answer has {words:,} words, and at most {MOST_WORDS} are read"
        if why:
            left_out.append(LeftOut(row.name, why))
        else:
            asked.append(replace(row, question=question))
    places = located(root, (row.image for row in asked))
    missing = Counter(row.image for row in asked if isinstance(places[row.image], Missed))
    for image, count in missing.items():
        place = places[image]
        assert isinstance(place, Missed)
        left_out.append(LeftOut(printable(image), f"{place.reason}; {counted(count, 'question')}"))
    found = [(row, file) for row in asked if isinstance(file := places[row.image], str)]
    if not found:
        why = f" ({left_out[0].name}: {left_out[0].reason})" if left_out else ""
        raise DataError(
            f"{path}: of {counted(len(rows) + len(lost), 'question')} none can be used{why}; "
            f"{EXPECTED}"
        )
    found.sort(key=lambda one: one[0].split)
    notes = list(told)
    if missing:
        notes.append(
            f"{counted(len(missing), 'image')} missing, and with them "
            f"{counted(missing.total(), 'question')}: {quoted(missing, most=3)}"
        )
    targets = Answers(
        tuple(plain_answer(row.answer) for row, _ in found),
        tuple(tuple(map(plain_answer, row.people)) for row, _ in found),
        tuple(row.type for row, _ in found),
    )
    inputs = Questions([file for _, file in found], [row.question for row, _ in found], root)
    data = Dataset(
        path.stem if path.is_file() else path.resolve().name,
        inputs,
        targets,
        np.array([row.split for row, _ in found], np.int8),
        groups=same_pictures(inputs),
        left_out=tuple(left_out),
        notes=tuple(notes),
    )
    return data.complete(seed)


def located(root: Path, images: Iterable[str]) -> dict[str, "str | Missed"]:
    """The file of each picture that is named, below the root and never outside it."""
    names = list(dict.fromkeys(images))
    direct = {name: name for name in names if _inside(name) and is_there(root / name)}
    rest = [name for name in names if name not in direct]
    if not rest:
        return dict(direct)
    pictures = Pictures(walk(root))
    joined = pictures.join(((name, ()) for name in rest), direct.values())
    found: dict[str, str | Missed] = {**direct}
    found.update(zip(rest, joined, strict=True))
    numbers = [name for name in rest if isinstance(found[name], Missed) and name.isdecimal()]
    if numbers:  # COCO_train2014_000000000009.jpg is image 9
        by_number: dict[int, str] = {}
        for file in sorted(pictures.paths, key=natural):
            if match := NUMBER.search(stem_of(file)):
                by_number.setdefault(int(match[1]), file)
        found |= {name: by_number[int(name)] for name in numbers if int(name) in by_number}
    return found


def _inside(name: str) -> bool:
    """Whether a name is that of something below where it is looked for."""
    path = Path(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def is_there(path: Path) -> bool:
    """Whether it is a file; what is too long for a name is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def same_pictures(inputs: Questions) -> NDArray[np.int64]:
    """(N,) equal for questions about one picture, also where it lies there twice."""
    sizes: dict[int, list[str]] = {}  # -1: of those that are not there
    files = dict(zip(inputs.paths, (inputs[row][0] for row in range(len(inputs))), strict=True))
    for path, file in files.items():
        try:
            sizes.setdefault(file.stat().st_size, []).append(path)
        except OSError:
            sizes.setdefault(-1, []).append(path)
    number: dict[str, int] = {}
    known: dict[str, int] = {}
    for some in sizes.values():
        for path in some:
            key = path if len(some) == 1 else _content(files[path])
            number[path] = known.setdefault(key, len(known))
    return np.array([number[path] for path in inputs.paths], np.int64)


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)
