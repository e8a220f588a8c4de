"""What a person knows of pictures of faces: `faces.csv` beside them.

Its columns are `path` and any of `group` (of people, by which errors are told), the eyes as
`left_eye_x`, `left_eye_y`, `right_eye_x`, `right_eye_y` (left in the picture), and the face as
`xmin`, `ymin`, `xmax`, `ymax`; all in pixels.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.cells import read_cells
from striate.data.headings import SIDES, normal
from striate.data.names import printable
from striate.data.people import People
from striate.errors import DataError

NAME = "faces.csv"
PATH = ("path", "file", "image", "filename")
GROUP = ("group", "groups", "subgroup")
EYES = ("left eye x", "left eye y", "right eye x", "right eye y")


def with_marks(people: People, places: Sequence[str], root: Path) -> People:
    """Persons with what stands of their pictures in `faces.csv`, if there is such a file.

    Args:
        places: of the pictures, relative to `root`.

    Raises:
        DataError: if it lacks the columns, names a picture that is not there, or holds something
            else than numbers.
    """
    file = root / NAME
    if not root.is_dir() or not file.is_file():
        return people
    rows = read_cells(file).rows
    heads = [normal(cell) for cell in rows[0][1]] if rows else []
    path, group = (next((heads.index(n) for n in names if n in heads), -1)
                   for names in (PATH, GROUP))  # fmt: skip
    columns: dict[tuple[str, ...], list[int]] = {
        each: [heads.index(n) for n in each if n in heads] for each in (EYES, SIDES)
    }
    if path < 0 or (group < 0 and not any(columns.values())):
        raise DataError(
            f"{file}: expected a column path, and group, left_eye_x, left_eye_y, right_eye_x and "
            "right_eye_y, or xmin, ymin, xmax and ymax"
        )
    for four, some in columns.items():
        if some and len(some) < 4:
            raise DataError(f"{file}: of the columns {', '.join(four)} it has {len(some)}")
    place = {name: row for row, name in enumerate(places)}
    known = {row[path].strip(): (line, row) for line, row in rows[1:] if len(row) > path}
    for name, (line, _) in known.items():
        if name not in place and not (root / name).is_file():
            raise DataError(f"{file}:{line}: there is no picture {printable(name)} in {root}/")
    known = {name: each for name, each in known.items() if name in place}

    def numbers(four: tuple[str, ...]) -> NDArray[np.float64] | None:
        if not columns[four]:
            return None
        found = np.full((len(places), 4), np.nan)
        for name, (line, row) in known.items():
            cells = [row[k].strip() if k < len(row) else "" for k in columns[four]]
            if any(cells):
                found[place[name]] = _numbers(cells, f"{file}:{line}")
        return found

    eyes = numbers(EYES)
    people = replace(
        people, eyes=None if eyes is None else eyes.reshape(-1, 2, 2), boxes=numbers(SIDES)
    )
    if group < 0:
        return people
    called = {name: printable(row[group].strip()) for name, (_, row) in known.items()
              if len(row) > group}  # fmt: skip
    groups = (*people.groups, *sorted({*called.values()} - {"", *people.groups}))
    own = np.full(len(places), -1, np.int64)
    for name, one in called.items():
        if one:
            own[place[name]] = groups.index(one)
    return replace(people, groups=groups, group=own)


def _numbers(cells: Sequence[str], where: str) -> NDArray[np.float64]:
    try:
        found = np.array([float(cell) for cell in cells])
    except ValueError:
        raise DataError(f"{where}: {', '.join(cells)} are not four numbers") from None
    if not np.isfinite(found).all():
        raise DataError(f"{where}: {', '.join(cells)} are not four numbers")
    first, second = found[:2], found[2:]
    if np.array_equal(first, second):
        raise DataError(f"{where}: both places are the same")
    return found
