"""Tables of text: what separates their cells, and what their columns hold by their headings."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from striate.data.markup import text_of
from striate.data.names import canonical, quoted
from striate.data.sniffing import start_of
from striate.errors import DataError, UserError
from striate.files import read_bytes
from striate.images import SUFFIXES

MAX_BYTES = 2**29
SEPARATORS = ",;\t|"
SIDES = ("xmin", "ymin", "xmax", "ymax")
QUADRUPLES = (
    SIDES, ("x min", "y min", "x max", "y max"), ("x0", "y0", "x1", "y1"), ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)  # fmt: skip
CORNER = ("xmin", "ymin", "wide", "high")  # a corner and the sides of a box
CORNERS = (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height"))
# In the order of precedence; compared without case, with blanks for everything but letters.
HEADINGS = {
    "path": (
        "path", "paths", "filepath", "filepaths", "file path", "image path", "img path",
        "filename", "filenames", "file name", "file", "files", "image name", "img name",
        "image file", "image", "images", "img", "imgs", "picture", "photo", "fname", "image id",
        "imageid", "img id", "id",
    ),
    "label": (
        "label", "labels", "lbl", "class", "classes", "class name", "classname", "class label",
        "category", "categories", "category name", "label name", "labelname", "target", "targets",
        "tag", "tags", "breed", "species", "variety", "diagnosis", "dx", "disease", "finding",
        "condition", "type", "kind", "genre", "emotion", "grade", "level", "ground truth", "gt",
        "y", "name", "class id", "label id", "category id",
    ),
    "split": (
        "split", "splits", "set", "subset", "partition", "phase", "data set", "dataset",
        "data split", "usage", "train test", "train test split",
    ),
    "group": (
        "group", "groups", "group id", "patient", "patient id", "patientid", "person", "person id",
        "subject", "subject id", "video", "video id", "clip", "clip id", "session", "session id",
        "case id", "study id", "sequence id",
    ),
    "weight": ("sample weight", "example weight", "weight", "weights"),
    "width": ("width", "image width", "img width", "w"),
    "height": ("height", "image height", "img height", "h"),
}  # fmt: skip
FLAGS = {
    "validation": ("is valid", "is val", "is validation", "is dev", "validation", "valid"),
    "test": ("is test", "is testing", "test", "testing"),
    "train": ("is train", "is training", "is training image", "train", "training"),
}
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass
class Table:
    """A table of text.

    Attributes:
        headings: of its columns, normalized; () where it has none.
        titles: the same as they are written.
        columns: which column holds what.
        rows: the number of each line, from 1, and its cells.
    """

    headings: tuple[str, ...]
    titles: tuple[str, ...]
    columns: dict[str, int]
    rows: list[tuple[int, list[str]]]
    notes: list[str] = field(default_factory=list)

    def cell(self, fields: Sequence[str], kind: str) -> str:
        """What a row has of a kind; "" where it has none."""
        column = self.columns.get(kind, -1)
        return fields[column].strip() if 0 <= column < len(fields) else ""

    def headed(self, path: int) -> None:
        """Takes the first line for headings, and the images' names from that column."""
        (_, first), *self.rows = self.rows
        _, self.columns = _headings(["path" if k == path else cell for k, cell in enumerate(first)])
        self.headings, self.titles = tuple(map(normal, first)), tuple(map(canonical, first))

    def column(self, place: int) -> list[str]:
        """All cells of a column."""
        return [fields[place].strip() if place < len(fields) else "" for _, fields in self.rows]


def normal(heading: str) -> str:
    """A heading in the form in which it is compared.

    >>> normal(" Image_Path "), normal("is-valid"), normal("x_min")
    ('image path', 'is valid', 'x min')
    """
    return " ".join(re.findall(r"[^\W_]+", canonical(heading).lower()))


def read_table(path: Path) -> Table:
    """A table in a file of text.

    Raises:
        DataError: if it cannot be read, or is not text.
    """
    try:
        data = read_bytes(path, limit=MAX_BYTES)
    except UserError as error:
        raise DataError(str(error)) from error
    text, guessed = text_of(data)
    if "\0" in text and guessed is not None:
        raise DataError(f"{path}: not a text file")
    notes = []
    if guessed not in (None, "utf-8"):
        called = {"cp1252": "Windows-1252", "gb18030": "GB 18030"}[str(guessed)]
        notes.append(f"{path.name} is not UTF-8; it was read as {called}")
    lines = list(_cut(path, text))
    headings, columns = _headings(lines[0][1]) if lines else ((), {})
    titles = tuple(map(canonical, lines[0][1])) if headings else ()
    return Table(headings, titles, columns, lines[1:] if headings else lines, notes)


def boxed(path: Path) -> bool:
    """Whether the first lines of a file are those of a list of boxes."""
    text, _ = text_of(start_of(path))
    try:
        lines = [cells for _, cells in _cut(path, text[: text.rfind("\n") + 1] or text)][:3]
    except DataError:
        return False
    if not lines:
        return False
    headings, columns = _headings(lines[0])
    known = columns.keys()
    named = {"path", "label"} <= known and (known >= set(SIDES) or known >= set(CORNER))
    return named if headings else _retina(lines[0])


def _retina(cells: Sequence[str]) -> bool:
    """Whether a line is `path,x1,y1,x2,y2,class`."""
    return (
        len(cells) == 6
        and is_path(cells[0])
        and all(NUMBER.fullmatch(cell.strip()) or not cell.strip() for cell in cells[1:5])
        and not NUMBER.fullmatch(cells[5].strip())
    )


def is_path(cell: str) -> bool:
    """Whether a cell looks like the path of an image."""
    _, dot, suffix = cell.strip().lower().rpartition(".")
    return bool(dot) and f".{suffix}" in SUFFIXES


def _cut(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold anything, cut into cells; a comment at the beginning is passed over."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = 0
    while start < len(lines) and (not lines[start].strip() or lines[start].lstrip()[:1] == "#"):
        start += 1
    if start >= len(lines):
        return
    if match := re.fullmatch(r"\s*sep=(.)\s*", lines[start]):  # of Excel
        separator, start = match[1], start + 1
    else:
        plain = re.sub(r'"[^"]*"', "", lines[start])
        separator = max(SEPARATORS, key=plain.count)
        if separator not in plain:
            yield from _by_blank(lines, start)
            return
    reader = csv.reader((f"{line}\n" for line in lines[start:]), delimiter=separator)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{path}, line {start + reader.line_num}: {error}") from error
        if any(field.strip() for field in row):
            yield start + reader.line_num, row


def _by_blank(lines: Sequence[str], start: int) -> Iterator[tuple[int, list[str]]]:
    """`path label` a line, as Caffe has it; the path may have blanks."""
    for number, line in enumerate(lines[start:], start=start + 1):
        if cells := line.strip().rsplit(maxsplit=1):
            yield number, cells


def _headings(first: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The headings in a first line, and what they say of the columns; none where it has none."""
    words = tuple(normal(cell) for cell in first)
    if any(is_path(cell) for cell in first):
        return (), dict(zip(("path", *SIDES, "label"), range(6), strict=True)) if _retina(
            first
        ) else {}
    columns = {
        kind: words.index(name)
        for kind, names in HEADINGS.items()
        for name in reversed(names)
        if name in words
    }
    for quadruple in reversed(QUADRUPLES):
        if all(side in words for side in quadruple):
            columns |= {
                side: words.index(word) for side, word in zip(SIDES, quadruple, strict=True)
            }
    if not set(SIDES) & columns.keys():
        for corner in CORNERS:
            if all(side in words for side in corner):
                columns |= {
                    side: words.index(word) for side, word in zip(CORNER, corner, strict=True)
                }
                for side in ("width", "height"):  # of the box, and not of the picture
                    if columns.get(side) in (columns["wide"], columns["high"]):
                        del columns[side]
    if "path" not in columns:
        return (), {}
    if columns.get("label") == columns["path"]:
        del columns["label"]
    return words, columns


def unused(table: Table, used: Sequence[int]) -> str | None:
    """A note on columns that are not used; None without any."""
    names = [name for place, name in enumerate(table.headings) if place not in used and name]
    return f"columns that are not used: {quoted(names)}" if names else None
