"""Lists with a box a line: a CSV file with columns for the image, the class and four sides.

filename,width,height,class,xmin,ymin,xmax,ymax   TensorFlow; Roboflow's _annotations.csv
image,x,y,w,h,label                               the upper left corner and the sides
path,x1,y1,x2,y2,class                            RetinaNet, without headings
ImageID,LabelName,XMin,XMax,YMin,YMax             Open Images, fractions
"""

import math
from collections.abc import Sequence
from pathlib import Path

from striate.data.boxes import Boxes, Mark
from striate.data.dataset import Dataset
from striate.data.frames import Size, claimed
from striate.data.headings import CORNER, SIDES, Table, boxed, read_table
from striate.data.marked import Found, Marked, assembled, in_folders
from striate.data.names import canonical
from striate.data.places import Missed, Pictures
from striate.data.roles import split_of_cell
from striate.data.splits import TRAIN
from striate.data.walking import walk
from striate.errors import DataError


def find_box_lists(path: Path) -> list[Path]:
    """The lists of boxes that a path is, or that lie in a folder or one below."""
    if path.is_dir():
        files = [path / file for file in walk(path).marking(".csv") if file.count("/") <= 1]
    else:
        files = [path] if path.name.lower().endswith((".csv", ".tsv", ".txt")) else []
    return [file for file in files if boxed(file)]


def is_box_list(path: Path) -> bool:
    """Whether a path is a list of boxes, or a folder with one."""
    return bool(find_box_lists(path))


def open_box_list(path: Path, *, seed: int) -> Dataset[Boxes]:
    """The images and boxes of lists.

    Raises:
        DataError: if nothing is marked there.
    """
    root = path if path.is_dir() else path.parent
    folder = walk(root)
    pictures = Pictures(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    for file in find_box_lists(path):
        table = read_table(file)
        found.notes += table.notes
        if "wide" in table.columns:
            found.notes.append(f"{file.name}: x and y are taken for the upper left corner of boxes")
        found.pictures += _rows(table, file.relative_to(root).as_posix(), pictures, found)
    if not found.pictures and found.left_out:
        raise DataError(f"{path}: {found.left_out[-1].name}: {found.left_out[-1].reason}")
    if not any(row.split for row in found.pictures):
        found.pictures = in_folders(found.pictures, found.notes)
    return assembled(root, found, seed=seed, name=path.stem if path.is_file() else None)


def _rows(table: Table, file: str, pictures: Pictures, found: Found) -> list[Marked]:
    marks: dict[str, list[Mark]] = {}
    about: dict[str, tuple[Size | None, int]] = {}
    for number, fields in table.rows:
        place = canonical(table.cell(fields, "path"))
        mark = _mark(table, fields)
        if not place or isinstance(mark, str):
            found.leave(f"{file}, line {number}", mark if isinstance(mark, str) else "has no path")
            continue
        size = claimed(table.cell(fields, "height"), table.cell(fields, "width"))
        split = split_of_cell(table.cell(fields, "split"))
        about.setdefault(place, (size, TRAIN if split is None else split))
        marks.setdefault(place, [])
        if mark is not None:
            marks[place].append(mark)
    beside = tuple(file.split("/")[:-1])
    near = [beside, *((*beside, each) for each in ("images", "data", "img"))]
    rows = []
    for place, picture in zip(marks, pictures.join((each, near) for each in marks), strict=True):
        if isinstance(picture, Missed):
            found.leave(place, f"{picture.reason}, named in {file}")
            continue
        size, split = about[place]
        rows.append(Marked(picture, marks[place], size, split, source=file))
    return rows


def _mark(table: Table, fields: Sequence[str]) -> Mark | str | None:
    """The mark of a line, why it has none, or None where a line says that nothing is there."""
    name = canonical(table.cell(fields, "label"))
    cornered = "wide" in table.columns
    sides = [table.cell(fields, side) for side in (CORNER if cornered else SIDES)]
    if not name and not any(sides):
        return None
    if not name:
        return "has no class"
    try:
        x0, y0, x1, y1 = map(float, sides)
    except ValueError:
        return f"has a box of {', '.join(sides)[:80]!r}"
    box = (x0, y0, x0 + x1, y0 + y1) if cornered else (x0, y0, x1, y1)
    if not all(math.isfinite(side) and abs(side) < 1e6 for side in box):
        return "has a box that no image holds"
    return Mark(name, box)
