"""Points of a set from its `points.csv`: image,x,y,class."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from striate.data import Dataset, Files, Masks
from striate.data.cells import read_cells
from striate.data.mask_files import POINTS as FILE
from striate.data.names import printable, quoted, stem_of
from striate.data.places import key_of
from striate.data.targets import enumerated
from striate.errors import DataError

COLUMNS: Mapping[str, frozenset[str]] = {
    "image": frozenset(("image", "file", "filename", "path", "picture")),
    "x": frozenset(("x",)),
    "y": frozenset(("y",)),
    "class": frozenset(("class", "label", "name")),
}


@dataclass(frozen=True)
class Point:
    """A pixel of known class: x from the left and y from the top edge, of the picture as it is."""

    x: float
    y: float
    number: int


def points_of(data: Dataset[Masks]) -> tuple[dict[int, list[Point]] | None, str]:
    """The points that a set's FILE holds, by row, and a note; None where there is no such file.

    Raises:
        DataError: if a line of it cannot be understood; with its number.
    """
    if not isinstance(data.inputs, Files):
        return None, ""
    path = Path(data.inputs.root) / FILE
    if not path.is_file():
        return None, ""
    found, strange = read_points(path, data)
    count = sum(map(len, found.values()))
    note = f"{count:,} points of {len(found):,} pictures from {FILE}"
    if strange:
        note += f"; {len(strange)} of its pictures are not in the set: {quoted(strange[:3])}"
    return found, note


def read_points(path: Path, data: Dataset[Masks]) -> tuple[dict[int, list[Point]], list[str]]:
    """The points of a file `image,x,y,class` by row of the set, and pictures that it lacks.

    Raises:
        DataError: as `points_of`.
    """
    lines = read_cells(path).rows
    if not lines:
        raise DataError(f"{path} is empty; expected a line image,x,y,class and a line a point")
    headings = [key_of(cell) for cell in lines[0][1]]
    places = {}
    for column, names in COLUMNS.items():
        there = [place for place, heading in enumerate(headings) if heading in names]
        if not there:
            raise DataError(
                f"{path}: no column {column} among {', '.join(map(printable, lines[0][1]))}; "
                "expected image,x,y,class"
            )
        places[column] = there[0]
    rows = _by_name(data)
    classes = {key_of(name): number for number, name in enumerate(data.classes)}
    found: dict[int, list[Point]] = {}
    strange: dict[str, None] = {}
    for line, cells in lines[1:]:
        where = f"{path}, line {line}"
        if len(cells) <= max(places.values()):
            raise DataError(f"{where}: {len(cells)} cells; expected image,x,y,class")
        image, x, y, name = (cells[place].strip() for place in places.values())
        row = rows.get(image) or rows.get(image.rpartition("/")[2])
        if row is None:
            strange[image] = None
            continue
        if len(row) > 1:
            raise DataError(f"{where}: {len(row)} pictures are called {image!r}; give their folder")
        if key_of(name) not in classes:
            raise DataError(
                f"{where}: {printable(name)!r} is none of the classes {enumerated(data.classes)}"
            )
        height, width = data.targets.sizes[row[0]].tolist()
        point = Point(_number(x, "x", where), _number(y, "y", where), classes[key_of(name)])
        if not (0 <= point.x < width and 0 <= point.y < height):
            raise DataError(
                f"{where}: ({x}, {y}) lies outside of its picture of {width} x {height} pixels"
            )
        found.setdefault(row[0], []).append(point)
    return found, list(strange)


def _by_name(data: Dataset[Masks]) -> dict[str, list[int]]:
    """Rows by what a picture may be called: its path, its file's name with suffix or without."""
    found: dict[str, list[int]] = {}
    for row in range(len(data)):
        name = data.inputs.name(row)
        short = name.rpartition("/")[2]
        for called in dict.fromkeys((name, short, stem_of(short))):
            found.setdefault(called, []).append(row)
    return found


def _number(cell: str, column: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"{where}: {column} is {printable(cell)!r}, not a number of pixels")
    return value
