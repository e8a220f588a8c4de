"""Files of text cut into cells, whose texts may hold any mark: TSV, CSV, JSON lines."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from striate.data.headings import MAX_BYTES
from striate.data.markup import text_of
from striate.errors import DataError, UserError
from striate.files import read_bytes

SEPARATORS = "\t;|,"
CALLED = {"cp1252": "Windows-1252", "gb18030": "GB 18030"}
BINARY = "binary data (a zero byte)"
ZEROS = 0.01  # share of zero bytes from which on a file is no text
SAMPLE = 200  # lines by which the separator is told


@dataclass
class Cells:
    """The lines of a file that hold anything.

    Attributes:
        rows: the number of each line, from 1, and its cells.
        named: whether the first row is certainly of headings.
        separator: what stands between cells; None where nothing does, and of JSON.
        damaged: the number of each line that cannot be read, and the reason.
    """

    rows: list[tuple[int, list[str]]]
    named: bool = False
    notes: list[str] = field(default_factory=list)
    damaged: list[tuple[int, str]] = field(default_factory=list)
    separator: str | None = None

    def surplus(self, row: Sequence[str]) -> str:
        """Why a row does not fit the headings: a text that holds the separator is cut in two; ""
        where it fits."""
        cells, heads = (len(_used(some)) for some in (row, self.rows[0][1]))
        if self.separator is None or cells <= heads:
            return ""
        mark = "a tab" if self.separator == "\t" else repr(self.separator)
        why = f"has {cells} cells under {heads} headings"
        return f"{why}: put quotation marks around a text with {mark}"


def _used(row: Sequence[str]) -> Sequence[str]:
    """Without the empty cells at its end."""
    return row[: max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0)]


def read_cells(path: Path, data: bytes | None = None, *, whole: bool = True) -> Cells:
    """The cells of a file; single lines that are damaged are left out.

    Args:
        data: what it holds, or the start of that; read where None.
        whole: whether `data` is all of it; else its last line is left out.

    Raises:
        DataError: if it cannot be read, is not text, or has no line that can be read.
    """
    if data is None:
        try:
            data = read_bytes(path, limit=MAX_BYTES)
        except UserError as error:
            raise DataError(str(error)) from error
    text, guessed = text_of(data)
    if text.count("\0") > ZEROS * len(text):
        raise DataError(f"{path}: binary data, not a text file")
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not whole and "\n" in text:
        text = text[: text.rfind("\n") + 1]
    notes = []
    if guessed not in (None, "utf-8"):
        notes.append(f"{path.name} is not UTF-8; it was read as {CALLED.get(guessed, guessed)}")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _objects(path, text, notes)
    lines = text.split("\n")
    separator = _separator(lines)
    if separator is None and path.suffix.lower() in (".csv", ".tsv"):
        separator = _separator(_records(lines[:SAMPLE]))
    if separator is None:
        rows = [(number, [line]) for number, line in enumerate(lines, 1) if line.strip()]
    elif _is_quoted(lines, separator):
        rows = list(_quoted(path, lines, separator))
    else:
        rows = _joined(
            [
                (number, line.split(separator))
                for number, line in enumerate(lines, 1)
                if line.strip(f"{separator} ")
            ]
        )
    damaged = [(number, BINARY) for number, row in rows if any("\0" in cell for cell in row)]
    places = {number for number, _ in damaged}
    return Cells(
        [row for row in rows if row[0] not in places],
        notes=notes,
        damaged=damaged,
        separator=separator,
    )


def _separator(lines: Sequence[str]) -> str | None:
    """What stands in every line, equally often in most of them; a tab before all others."""
    some = [line for line in lines if line.strip()][:SAMPLE]
    for separator in SEPARATORS:
        held = sum(separator in line for line in some)
        if some and held == len(some):
            return separator
        if separator in "\t," and some and held >= 0.9 * len(some):  # a broken line, a line break
            return separator
    return None


def _records(lines: Sequence[str]) -> list[str]:
    """Lines put together where a cell in quotation marks goes on in the next; an unfinished last
    one is left out."""
    found, begun = [], ""
    for line in lines:
        begun += line
        if begun.count('"') % 2 == 0:
            found.append(begun)
            begun = ""
    return found


def _is_quoted(lines: Sequence[str], separator: str) -> bool:
    """Whether quotation marks enclose cells, and are not of the texts themselves."""
    if separator != "\t":
        return any('"' in line for line in lines)
    some = lines[:SAMPLE]
    return _encloses(some, separator) or _encloses(_records(some), separator)


def _encloses(lines: Sequence[str], separator: str) -> bool:
    """Whether every cell that begins with a quotation mark ends with one, and holds none alone."""
    opened = [cell for line in lines for cell in line.split(separator) if cell.startswith('"')]
    return bool(opened) and all(
        len(cell) > 1 and cell.endswith('"') and not cell[1:-1].replace('""', "").count('"')
        for cell in opened
    )


def _quoted(path: Path, lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    with _long_cells():
        reader = csv.reader((f"{line}\n" for line in lines), delimiter=separator)
        while True:
            start = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise DataError(f"{path}, line {reader.line_num}: {error}") from error
            if any(cell.strip() for cell in row):
                yield start, row


@contextmanager
def _long_cells() -> Iterator[None]:
    """Inside the block, cells may be as long as a file."""
    before = csv.field_size_limit(MAX_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _joined(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Two columns of which the last may hold the separator, where most lines have two cells."""
    widths = Counter(len(cells) for _, cells in rows)
    if not rows or widths.most_common(1)[0][0] != 2:
        return rows
    return [(number, [cells[0], "\t".join(cells[1:])]) if len(cells) > 2 else (number, cells)
            for number, cells in rows]  # fmt: skip


def _objects(path: Path, text: str, notes: list[str]) -> Cells:
    """The names of all fields, and then each object's values in that order."""
    found: list[tuple[int, dict[str, Any]]] = []
    damaged: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            damaged.append((number, f"not JSON ({error})"))
            continue
        if isinstance(value, dict):
            found.append((number, value))
        else:
            damaged.append((number, 'not an object, as in {"label": ..., "text": ...}'))
    if damaged and not found:
        raise DataError(f"{path}, line {damaged[0][0]}: {damaged[0][1]}")
    names = list(dict.fromkeys(name for _, value in found for name in value))
    rows = [(number, [_plain(value.get(name)) for name in names]) for number, value in found]
    heads = [(0, names)] if found else []
    return Cells([*heads, *rows], named=True, notes=notes, damaged=damaged)


def _plain(value: Any) -> str:
    """A value as a cell; what is no word or number is empty."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
