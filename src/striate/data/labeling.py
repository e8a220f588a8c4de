"""JSON files of labeling programs: labelme, Label Studio, VGG Image Annotator, Create ML, FiftyOne.

Each is known by words that no other has, and gives pictures with their marks by `Entry`.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate import progress
from striate.data.boxes import Boxes, Mark
from striate.data.dataset import Dataset
from striate.data.frames import Size, claimed
from striate.data.marked import Found, Marked, assembled, in_folders
from striate.data.markup import NotReadable, read_json
from striate.data.names import stem_of
from striate.data.places import Missed, Pictures
from striate.data.remembering import remembered
from striate.data.roles import role
from striate.data.sniffing import holds, some_of
from striate.data.splits import TRAIN
from striate.data.walking import walk
from striate.errors import DataError

LIMIT = 512 * 2**20
Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class Thing:
    """An object as a file has it: a name and edges, or why it has none."""

    name: Any
    edges: Any


@dataclass(frozen=True)
class Entry:
    """What a file says of one picture.

    Attributes:
        picture: what the file calls it, in any form.
        fractions: whether edges are fractions of the picture's sides.
    """

    picture: str
    things: Sequence[Thing]
    size: Size | None = None
    fractions: bool = False


@dataclass(frozen=True)
class Program:
    """A labeling program.

    Attributes:
        words: that its files hold, all of them.
        entries: of the table in a file of that name. Anything that Python raises when it meets
            another form than it expects costs that file.
    """

    name: str
    words: tuple[bytes, ...]
    entries: Callable[[Any, str], Iterable[Entry]]


def find(root: Path, program: Program) -> list[str]:
    """The files of a program below a folder."""
    if not root.is_dir():
        return []
    files = walk(root).marking(".json")
    if not any(_of(root / file, program) for file in some_of(files)):
        return []
    return [file for file in files if _of(root / file, program)]


def _of(path: Path, program: Program) -> bool:
    return remembered((program.words, path), lambda: holds(path, *program.words))


def open_labeled(root: Path, program: Program, *, seed: int) -> Dataset[Boxes]:
    """The images and boxes of a program's files.

    Raises:
        DataError: if nothing is marked there.
    """
    folder = walk(root)
    pictures = Pictures(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    files = find(root, program)
    for file in progress.track(files, "read annotations"):
        try:
            entries = list(program.entries(read_json(root / file, limit=LIMIT), file))
        except NotReadable as error:
            found.leave(file, str(error))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            found.leave(file, f"is not of the form of {program.name} ({error!r:.80})")
        else:
            found.pictures += _rows(file, entries, pictures, found)
    if not found.pictures:
        why = found.left_out[-1] if found.left_out else None
        raise DataError(
            f"{root}: {why.name}: {why.reason}" if why else f"{root}: nothing is marked"
        )
    marked = {row.picture for row in found.pictures}
    for path in sorted(pictures.paths.keys() - marked):
        found.leave(path, "has no annotation")
    if not any(row.split for row in found.pictures):
        found.pictures = in_folders(found.pictures, found.notes)
    return assembled(root, found, seed=seed)


def _rows(
    file: str, entries: Sequence[Entry], pictures: Pictures, found: Found
) -> Iterator[Marked]:
    place = tuple(file.split("/")[:-1])
    near = [place, *((*place, each) for each in ("images", "data", "upload", "media"))]
    split = role(file.rpartition("/")[2].removesuffix(".json"), file=True)
    joined = pictures.join((entry.picture, near) for entry in entries)
    for entry, picture in zip(entries, joined, strict=True):
        if isinstance(picture, Missed):
            found.leave(entry.picture or file, f"{picture.reason}, named in {file}")
            continue
        marks = []
        for number, thing in enumerate(entry.things, start=1):
            mark = mark_of(thing)
            if isinstance(mark, str):
                found.leave(f"{entry.picture}, object {number}", mark)
            else:
                marks.append(mark)
        yield Marked(
            picture, marks, entry.size, TRAIN if split is None else split, entry.fractions,
            source=file,
        )  # fmt: skip


def mark_of(thing: Thing) -> Mark | str:
    """The mark of an object, or why it is none."""
    if not isinstance(thing.name, str | int) or not str(thing.name).strip():
        return "has no label"
    try:
        x0, y0, x1, y1 = map(float, thing.edges)
    except (TypeError, ValueError, OverflowError):
        return "has no box" if not thing.edges else "has a box that is not four numbers"
    if not all(math.isfinite(side) and abs(side) < 1e6 for side in (x0, y0, x1, y1)):
        return "has a box that no image holds"
    return Mark(str(thing.name).strip(), (x0, y0, x1, y1))


def around(points: Any) -> Edges | None:
    """The box around points; None if there are too few."""
    try:
        across, down = zip(*[(float(x), float(y)) for x, y in points], strict=True)
    except (TypeError, ValueError, OverflowError):
        return None
    return (min(across), min(down), max(across), max(down)) if len(across) > 1 else None


def _labelme(table: Any, file: str) -> Iterator[Entry]:
    """`{"shapes": [{"label", "points", "shape_type"}], "imagePath", "imageHeight", ...}`."""
    things = []
    for shape in table["shapes"]:
        points, kind = shape.get("points"), shape.get("shape_type", "polygon")
        edges: Any = around(points)
        if kind == "circle" and edges:
            (x, y), (x1, y1) = points[:2]
            radius = math.hypot(x1 - x, y1 - y)
            edges = (x - radius, y - radius, x + radius, y + radius)
        if kind in ("point", "points", "line"):
            edges = None
        things.append(Thing(shape.get("label"), edges))
    said = table.get("imagePath")
    picture = said if isinstance(said, str) and said else f"{stem_of(file[: -len('.json')])}.jpg"
    yield Entry(picture, things, claimed(table.get("imageHeight"), table.get("imageWidth")))


def _label_studio(table: Any, file: str) -> Iterator[Entry]:
    """A list of tasks with `annotations`, or the short form (JSON-MIN); sides in per cent."""
    for task in table:
        data = task.get("data", task)
        picture = next(
            (data[key] for key in ("image", "img", "picture", "photo") if key in data), ""
        ) or next((word for word in data.values() if isinstance(word, str) and "." in word), "")
        results: list[Any] = []
        for annotation in task.get("annotations") or task.get("completions") or ():
            if not annotation.get("was_cancelled"):
                results = annotation.get("result") or []
        for value in task.values():
            if isinstance(value, list) and value and "rectanglelabels" in value[0]:
                results = [{"value": each} for each in value]
        things = []
        for result in results:
            value = result.get("value", {})
            if "rectanglelabels" in value:
                x, y = float(value["x"]) / 100, float(value["y"]) / 100
                width, height = float(value["width"]) / 100, float(value["height"]) / 100
                things.append(Thing(value["rectanglelabels"][0], (x, y, x + width, y + height)))
        yield Entry(str(picture), things, fractions=True)


def _via(table: Any, file: str) -> Iterator[Entry]:
    """`{"key": {"filename", "regions": [{"shape_attributes", "region_attributes"}]}}`."""
    table = table.get("_via_img_metadata", table)
    for each in table.values():
        regions = each["regions"]
        things = []
        for region in regions.values() if isinstance(regions, dict) else regions:
            shape, said = region["shape_attributes"], region["region_attributes"]
            if shape.get("name") == "rect":
                x, y = float(shape["x"]), float(shape["y"])
                edges: Any = (x, y, x + float(shape["width"]), y + float(shape["height"]))
            elif "all_points_x" in shape:
                edges = around(zip(shape["all_points_x"], shape["all_points_y"], strict=True))
            elif "r" in shape:
                x, y, r = float(shape["cx"]), float(shape["cy"]), float(shape["r"])
                edges = (x - r, y - r, x + r, y + r)
            else:
                edges = None
            words = [word for word in said.values() if isinstance(word, str) and word.strip()]
            things.append(Thing(words[0] if words else None, edges))
        yield Entry(str(each["filename"]), things)


def _fiftyone(table: Any, file: str) -> Iterator[Entry]:
    """`{"classes": [...], "labels": {"name": [{"label", "bounding_box": [x, y, w, h]}]}}`."""
    classes = table.get("classes")
    for name, boxes in table["labels"].items():
        things = []
        for each in boxes or ():
            label = each["label"]
            if isinstance(label, int) and isinstance(classes, list):
                label = classes[label] if 0 <= label < len(classes) else None
            x, y, width, height = map(float, each["bounding_box"])
            things.append(Thing(label, (x, y, x + width, y + height)))
        yield Entry(name, things, fractions=True)


def _samples(table: Any, file: str) -> Iterator[Entry]:
    """FiftyOne's own form: `{"samples": [{"filepath", FIELD: {"detections": [...]}}]}`."""
    for sample in table["samples"]:
        things = []
        for field in sample.values():
            if isinstance(field, dict):
                for each in field.get("detections") or ():
                    x, y, width, height = map(float, each["bounding_box"])
                    things.append(Thing(each["label"], (x, y, x + width, y + height)))
        yield Entry(str(sample["filepath"]), things, fractions=True)


def _createml(table: Any, file: str) -> Iterator[Entry]:
    """`[{"image", "annotations": [{"label", "coordinates": {"x", "y", "width", "height"}}]}]`.

    x and y are of the center.
    """
    for each in table:
        things = []
        for mark in each["annotations"]:
            sides = mark.get("coordinates") or {}
            x, y, width, height = (float(sides[key]) for key in ("x", "y", "width", "height"))
            edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            things.append(Thing(mark.get("label"), edges))
        yield Entry(str(each.get("image") or each["imagefilename"]), things)


LABELME = Program("labelme", (b'"shapes"', b'"imagePath"'), _labelme)
LABEL_STUDIO = Program("Label Studio", (b'"rectanglelabels"',), _label_studio)
VIA = Program("VGG Image Annotator", (b'"shape_attributes"', b'"regions"'), _via)
FIFTYONE = Program("FiftyOne", (b'"bounding_box"', b'"labels"'), _fiftyone)
SAMPLES = Program("FiftyOne", (b'"bounding_box"', b'"samples"', b'"filepath"'), _samples)
CREATEML = Program("Create ML", (b'"coordinates"', b'"annotations"', b'"label"'), _createml)
PROGRAMS = (LABELME, LABEL_STUDIO, VIA, CREATEML, SAMPLES, FIFTYONE)
