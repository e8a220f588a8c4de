"""Tables of points: a picture a line, and for each part columns of x and y.

file,nose_x,nose_y,tail_x,tail_y             with or without `nose_v` (COCO's visibility)
image,x0,y0,x1,y1,...,split,person           parts called by their numbers
scorer / bodyparts / coords                  three lines of headings: DeepLabCut's CollectedData
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from striate.data.columns import BLANK, splits_of
from striate.data.dataset import Dataset
from striate.data.frames import claimed
from striate.data.headings import HEADINGS, Table, normal, read_table, unused
from striate.data.marked import Found
from striate.data.markup import text_of
from striate.data.names import canonical, counted, quoted, stem_of
from striate.data.places import Missed, Pictures
from striate.data.points import SEEN, Points
from striate.data.posed import Place, Posed, Poses, posed
from striate.data.roles import roles
from striate.data.sniffing import start_of
from striate.data.splits import TRAIN
from striate.data.walking import walk
from striate.errors import DataError

SUFFIXES = (".csv", ".tsv", ".txt")
COLUMN = re.compile(r"(?:(?P<part>.+) (?P<axis>x|y|v|visible|visibility))"
                    r"|(?:(?P<first>x|y|v)(?P<number>\d+))"
                    r"|(?:(?P<number2>\d+)(?P<last>x|y|v))")  # fmt: skip
GROUPS = (
    "group", "video", "person", "subject", "individual", "animal", "patient", "session", "sequence",
    "clip", "identity",
)  # fmt: skip
BODYPARTS, COORDS, INDIVIDUALS, SCORER = "bodyparts", "coords", "individuals", "scorer"
FRAME = re.compile(r"(.*?)[-_. ]*\d+")  # `Ann_Lee_07` is a frame of `Ann_Lee`
FEW_VIDEOS = 2  # up to which their frames may come into different splits
SERIES = 10  # series of frames from which on their names tell what belongs together


def is_point_table(path: Path) -> bool:
    """Whether a path is a table of points, or a folder with one."""
    return bool(find_point_tables(path))


def find_point_tables(path: Path) -> list[Path]:
    """The tables of points that a path is, or that lie in a folder or two below."""
    if path.is_dir():
        files = [path / file for file in walk(path).marking(".csv") if file.count("/") <= 2]
    else:
        files = [path] if path.name.lower().endswith(SUFFIXES) else []
    return [file for file in files if pointed(file)]


def pointed(path: Path) -> bool:
    """Whether the first line of a file names columns of points, or it is DeepLabCut's."""
    text, _ = text_of(start_of(path, 2**18))
    lines = text.replace("\r\n", "\n").split("\n")[:4]
    if lines[0].startswith(SCORER) and any(line.startswith(BODYPARTS) for line in lines):
        return True
    separator = max(",;\t|", key=lines[0].count)
    headings = [normal(cell.strip('" ')) for cell in lines[0].split(separator)]
    if columns_of_points(headings):
        return len(headings) > 2
    lone = {heading[-1] for heading in lone_columns(headings)}  # to be refused by their names
    return {"x", "y"} <= lone and not set(HEADINGS["label"]) & set(headings)


def open_point_table(path: Path, *, seed: int = 0) -> Dataset[Points]:
    """The pictures and points of tables.

    Raises:
        DataError: if nothing is marked there, or tables name different parts.
    """
    root = path if path.is_dir() else path.parent
    folder = walk(root)
    pictures = Pictures(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    several: list[Poses] = []
    videos: set[str] = set()
    for file in find_point_tables(path):
        table = read_table(file)
        found.notes += table.notes
        framed = _is_deeplabcut(table)
        read = _deeplabcut if framed else _plain
        several.append(read(table, file, file.relative_to(root).as_posix(), pictures, found))
        videos |= {row.group for row in several[-1].rows if framed}
    poses = several[0]
    for other in several[1:]:
        if other.parts != poses.parts:
            raise DataError(
                f"{path}: its tables name different parts ({quoted(poses.parts, most=3)} and "
                f"{quoted(other.parts, most=3)}); open one of them"
            )
        poses.rows += other.rows
        poses.group = poses.group or other.group
    poses.found = found
    if 0 < len(videos) <= FEW_VIDEOS:
        poses.rows = [replace(row, group="") for row in poses.rows]
        found.notes.append(
            f"frames of {counted(len(videos), 'video')}, which drawn splits part: scores say "
            "little of other videos"
        )
    if not any(row.split for row in poses.rows):
        poses.rows = _in_folders(poses.rows)
    if not any(row.group for row in poses.rows):
        _in_series(poses)
    return posed(root, poses, seed=seed, name=path.stem if path.is_file() else None)


def columns_of_points(headings: Sequence[str]) -> dict[str, dict[str, int]]:
    """The columns of x, y and v of each part, by its normalized name; of those that have both x and
    y."""
    return {
        part: {axis: places[0] for axis, places in axes.items()}
        for part, axes in _axes(headings).items()
        if {"x", "y"} <= axes.keys()
    }


def lone_columns(headings: Sequence[str]) -> list[str]:
    """The columns of an x without a y, or of a y without an x.

    >>> lone_columns(["file", "nose x", "nose y", "tail y"])
    ['tail y']
    """
    return [
        headings[place]
        for axes in _axes(headings).values()
        if len({"x", "y"} & axes.keys()) == 1
        for axis in ("x", "y")
        for place in axes.get(axis, ())
    ]


def _axes(headings: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """The columns of x, y and v of each part, by its normalized name."""
    found: dict[str, dict[str, list[int]]] = {}
    for place, heading in enumerate(headings):
        match = COLUMN.fullmatch(heading)
        if match is None:
            continue
        part = match["part"] or match["number"] or match["number2"]
        axis = (match["axis"] or match["first"] or match["last"])[0]
        found.setdefault(part, {}).setdefault(axis, []).append(place)
    return found


def _see_columns(table: Table, file: Path) -> None:
    """Sees that each part has one column of x and one of y.

    Raises:
        DataError: if a column has no partner, stands twice, or there is no line below.
    """
    lone = [table.titles[table.headings.index(name)] for name in lone_columns(table.headings)]
    if lone:
        raise DataError(
            f"{file}: {quoted(lone)} without {'its' if len(lone) == 1 else 'their'} other axis; "
            "give each part a column of x and one of y (nose_x,nose_y), and call what is no point "
            "something else"
        )
    twice = [
        table.titles[places[0]]
        for axes in _axes(table.headings).values()
        for places in axes.values()
        if len(places) > 1
    ]
    if twice:
        raise DataError(f"{file}: several columns are called {quoted(twice)}; keep one of each")
    if not table.rows:
        raise DataError(f"{file}: there is no line below its headings")


def _plain(table: Table, file: Path, name: str, pictures: Pictures, found: Found) -> Poses:
    columns = columns_of_points(table.headings)
    _see_columns(table, file)
    if not columns:
        raise DataError(
            f"{file}: the first line names no column of pictures and columns of x and y; expected "
            "file,nose_x,nose_y,... or image,x0,y0,..."
        )
    parts = tuple(_title(table.titles[axes["x"]]) for axes in columns.values())
    group = next((word for word in GROUPS if word in table.headings), "")
    column = table.headings.index(group) if group else -1
    used = [
        *(place for kind, place in table.columns.items() if kind != "weight"),
        column,
        *(c for axes in columns.values() for c in axes.values()),
    ]
    if note := unused(table, used):
        found.notes.append(note)
    splits = splits_of(file, table)
    rows = []
    for (number, fields), split in zip(table.rows, splits, strict=True):
        place = canonical(table.cell(fields, "path"))
        if not place or split is None:
            why = "has no path" if not place else "has no split that is known"
            found.leave(f"{name}, line {number}", why)
            continue
        points = [_point(fields, axes["x"], axes["y"]) for axes in columns.values()]
        visible = tuple(_visible(fields, axes.get("v")) for axes in columns.values())
        wrong = next((each for each in (*points, *visible) if isinstance(each, str)), None)
        if wrong is not None:
            found.leave(f"{name}, line {number}", wrong)
            continue
        shown = tuple(p if v else None for p, v in zip(points, visible, strict=True))
        size = claimed(table.cell(fields, "height"), table.cell(fields, "width"))
        word = fields[column].strip() if 0 <= column < len(fields) else ""
        rows.append(Posed(place, shown, visible, None, None, size, split, word, name))  # type: ignore[arg-type]
    return Poses(parts, list(_there(rows, name, pictures, found)), group=group)


def _title(title: str) -> str:
    """A part's name, from the heading of its column of x: `left_eye_x`, `x12`."""
    bare = re.sub(r"(?i)(?:^x[-_. ]*(?=\d+$))|(?:[-_. ]*x$)", "", title.strip())
    return bare or title


def _point(fields: Sequence[str], x: int, y: int) -> Place | str | None:
    """A point, None where both cells are empty, or what is wrong with it."""
    cells = [fields[place].strip() if place < len(fields) else "" for place in (x, y)]
    if not any(cells):
        return None
    try:
        return float(cells[0] or "nan"), float(cells[1] or "nan")
    except ValueError:
        comma = "; write decimals with a point" if any("," in cell for cell in cells) else ""
        return f"has a point of {cells[0]!r:.40} and {cells[1]!r:.40}{comma}"


def _visible(fields: Sequence[str], column: int | None) -> int | str:
    """COCO's visibility, or what is wrong with it; where a column says nothing, a point is seen."""
    word = fields[column].strip().lower() if column is not None and column < len(fields) else ""
    if word in BLANK:
        return SEEN
    if word in ("false", "no", "true", "yes"):
        return SEEN if word in ("true", "yes") else 0
    try:
        return min(max(int(float(word)), 0), SEEN)
    except (ValueError, OverflowError):
        return f"has a visibility of {word!r:.40}; 0 is not marked, 1 hidden, 2 seen"


def _is_deeplabcut(table: Table) -> bool:
    lines = [fields for _, fields in table.rows[:4]]
    return bool(lines) and lines[0][0].strip() == SCORER


def _deeplabcut(table: Table, file: Path, name: str, pictures: Pictures, found: Found) -> Poses:
    """Of `CollectedData_NAME.csv`: lines of headings, then a picture a line, whose path may be in
    one cell or in three. Where several individuals are labeled, each is a thing of its own."""
    lines = {fields[0].strip(): fields for _, fields in table.rows[:4]}
    if not {BODYPARTS, COORDS} <= lines.keys():
        raise DataError(f"{file}: DeepLabCut's headings need the lines {BODYPARTS} and {COORDS}")
    bodyparts, coords = lines[BODYPARTS], lines[COORDS]
    individuals = lines.get(INDIVIDUALS, [""] * len(bodyparts))
    start = next((k for k, cell in enumerate(coords[1:], 1) if cell.strip() in ("x", "y")), 0)
    if not start or not len(bodyparts) == len(coords) == len(individuals):
        raise DataError(f"{file}: DeepLabCut's lines of headings are not as long as each other")
    columns: dict[str, dict[str, dict[str, int]]] = {}
    for place in range(start, len(coords)):
        who, part = individuals[place].strip(), bodyparts[place].strip()
        columns.setdefault(who, {}).setdefault(part, {})[coords[place].strip()] = place
    parts = tuple(dict.fromkeys(part for each in columns.values() for part in each))
    heads = sum(fields[0].strip() in (SCORER, INDIVIDUALS, BODYPARTS, COORDS)
                for _, fields in table.rows[:4])  # fmt: skip
    rows: list[Posed] = []
    for number, fields in table.rows[heads:]:
        named = "/".join(cell.strip().replace("\\", "/") for cell in fields[:start] if cell.strip())
        if not named:
            found.leave(f"{name}, line {number}", "has no path")
            continue
        video = named.rpartition("/")[0].rpartition("/")[2]
        for each in columns.values():
            points = [
                _point(fields, each[part]["x"], each[part]["y"])
                if {"x", "y"} <= each.get(part, {}).keys()
                else None
                for part in parts
            ]
            wrong = next((point for point in points if isinstance(point, str)), None)
            if wrong is not None:
                found.leave(f"{name}, line {number}", wrong)
            elif any(_known(point) for point in points) or len(columns) == 1:
                # An empty cell and "nan" are both how a part that is not seen is written.
                shown = tuple(point if _known(point) else None for point in points)
                visible = (SEEN,) * len(parts)
                rows.append(Posed(named, shown, visible, group=video, source=name))  # type: ignore[arg-type]
    return Poses(parts, list(_there(rows, name, pictures, found)), group="video")


def _known(point: Place | str | None) -> bool:
    return isinstance(point, tuple) and not any(map(math.isnan, point))


def _there(rows: Sequence[Posed], name: str, pictures: Pictures, found: Found) -> Iterator[Posed]:
    """The rows whose pictures are there, with their places below the root."""
    beside = tuple(name.split("/")[:-1])
    near = [beside, *((*beside, each) for each in ("images", "data", "img"))]
    places = list(dict.fromkeys(row.picture for row in rows))
    met = dict(zip(places, pictures.join((each, near) for each in places), strict=True))
    for place, picture in met.items():
        if isinstance(picture, Missed):
            found.leave(place, f"{picture.reason}, named in {name}")
    for row in rows:
        picture = met[row.picture]
        if isinstance(picture, str):
            yield replace(row, picture=picture)


def _in_folders(rows: list[Posed]) -> list[Posed]:
    """The rows in the splits that the folders of their pictures say, if all are in one."""
    named = roles(sorted({part for row in rows for part in row.picture.split("/")[:-1]}))
    splits = [
        next((named[part] for part in row.picture.split("/")[:-1] if part in named), None)
        for row in rows
    ]
    if any(split is None for split in splits):
        return rows
    return [
        replace(row, split=TRAIN if s is None else s) for row, s in zip(rows, splits, strict=True)
    ]


def _in_series(poses: Poses) -> None:
    """Frames whose names differ in their last number alone belong together, where there are many
    such series: they are of one person or one video."""
    stems = [stem_of(row.picture) for row in poses.rows]
    series = [match[1] if (match := FRAME.fullmatch(stem)) else stem for stem in stems]
    counts = Counter(series)
    if len(counts) < SERIES or 2 * len(counts) > len(series):
        return
    poses.group = "series of frames of one name"
    poses.rows = [replace(row, group=word) for row, word in zip(poses.rows, series, strict=True)]
