"""JSON files of labeling programs: labelme, Label Studio, VGG Image Annotator, Create ML, FiftyOne.

Each is known by words that no other has, and gives pictures with their marks by `Entry`.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate import progress
from striate.data.boxes import Boxes, Mark, around_turned
from striate.data.dataset import Dataset
from striate.data.frames import Size, claimed
from striate.data.marked import Found, Marked, assembled, in_folders
from striate.data.markup import NotReadable, read_json
from striate.data.names import quoted, stem_of
from striate.data.places import Missed, Pictures
from striate.data.remembering import remembered
from striate.data.roles import role
from striate.data.sniffing import holds, some_of
from striate.data.splits import TRAIN
from striate.data.walking import walk
from striate.errors import DataError

LIMIT = 512 * 2**20
RECTANGLES, POLYGONS = "rectanglelabels", "polygonlabels"  # of Label Studio
NAMING = ("class", "label", "name", "category", "type", "object")  # attributes of VIA's regions
TRUTH = "ground_truth"  # FiftyOne's field of what people said
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
        split: that it says; None where it says none.
    """

    picture: str
    things: Sequence[Thing]
    size: Size | None = None
    fractions: bool = False
    split: int | None = None


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
    of_file = role(file.rpartition("/")[2].removesuffix(".json"), file=True)
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
        split = next((each for each in (entry.split, of_file) if each is not None), TRAIN)
        yield Marked(picture, marks, entry.size, split, entry.fractions, source=file)


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
            first = value[0] if isinstance(value, list) and value else None
            if isinstance(first, dict) and first.keys() & {RECTANGLES, POLYGONS}:
                results = [{"value": each, **each} for each in value]
        things = []
        for result in results:
            value = result.get("value", {})
            if RECTANGLES in value:
                things.append(Thing(value[RECTANGLES][0], _turned_rectangle(value, result)))
            elif POLYGONS in value:
                points = [(float(x) / 100, float(y) / 100) for x, y in value["points"]]
                things.append(Thing(value[POLYGONS][0], around(points)))
        yield Entry(str(picture), things, fractions=True)


def _turned_rectangle(value: Any, result: Any) -> Edges | None:
    """The box around a rectangle, in fractions; None where it is turned in a picture whose size is
    not known."""
    x, y = float(value["x"]) / 100, float(value["y"]) / 100
    edges = (x, y, x + float(value["width"]) / 100, y + float(value["height"]) / 100)
    degrees = float(value.get("rotation") or 0)
    if not degrees:
        return edges
    size = claimed(result.get("original_height"), result.get("original_width"))
    if size is None:
        return None
    height, width = size
    pixels = (edges[0] * width, edges[1] * height, edges[2] * width, edges[3] * height)
    x0, y0, x1, y1 = around_turned(pixels, degrees, (x * width, y * height))
    return x0 / width, y0 / height, x1 / width, y1 / height


def _via(table: Any, file: str) -> Iterator[Entry]:
    """`{"key": {"filename", "regions": [{"shape_attributes", "region_attributes"}]}}`."""
    table = table.get("_via_img_metadata", table)
    held = [
        (each, list(regions.values()) if isinstance(regions := each["regions"], dict) else regions)
        for each in table.values()
    ]
    attribute = _naming([region["region_attributes"] for _, regions in held for region in regions])
    for each, regions in held:
        things = []
        for region in regions:
            shape = region["shape_attributes"]
            if shape.get("name") == "rect":
                x, y = float(shape["x"]), float(shape["y"])
                edges: Any = (x, y, x + float(shape["width"]), y + float(shape["height"]))
            elif "all_points_x" in shape:
                edges = around(zip(shape["all_points_x"], shape["all_points_y"], strict=True))
            elif "cx" in shape and ("r" in shape or "rx" in shape):
                x, y = float(shape["cx"]), float(shape["cy"])
                wide, high = (float(shape.get(key, shape.get("r"))) for key in ("rx", "ry"))
                angle = math.degrees(float(shape.get("theta") or 0))
                edges = around_turned((x - wide, y - high, x + wide, y + high), angle, (x, y))
            else:
                edges = None
            things.append(Thing(_word_of(region["region_attributes"].get(attribute)), edges))
        yield Entry(str(each["filename"]), things)


def _word_of(value: Any) -> str | None:
    """What an attribute says: its text, or the one box of several that is ticked."""
    if isinstance(value, dict):
        ticked = [str(word) for word, chosen in value.items() if chosen]
        return ticked[0] if len(ticked) == 1 else None
    return value if isinstance(value, str) else None


def _naming(said: Sequence[Any]) -> str:
    """The attribute that names the class of a region.

    Raises:
        ValueError: if there are several, and it is not known which.
    """
    found = dict.fromkeys(key for each in said for key, value in each.items() if _word_of(value))
    usual = next((key for word in NAMING for key in found if key.lower() == word), None)
    if usual is None and len(found) > 1:
        raise ValueError(f"regions have {quoted(found)}, and none is called {quoted(NAMING)}")
    return usual or next(iter(found), "")


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
    """FiftyOne's own form: `{"samples": [{"filepath", "tags", FIELD: {"detections": [...]}}]}`.

    Of several fields the one that is called `ground_truth` counts, and not what a model said.
    """
    samples = table["samples"]
    fields = dict.fromkeys(
        key
        for sample in samples
        for key, value in sample.items()
        if isinstance(value, dict) and "detections" in value
    )
    if len(fields) > 1 and TRUTH not in fields:
        raise ValueError(f"samples have detections in {quoted(fields)}, and none is {TRUTH!r}")
    field = TRUTH if TRUTH in fields else next(iter(fields), "")
    for sample in samples:
        things = []
        for each in (sample.get(field) or {}).get("detections") or ():
            x, y, width, height = map(float, each["bounding_box"])
            things.append(Thing(each["label"], (x, y, x + width, y + height)))
        splits = [role(tag) for tag in sample.get("tags") or () if isinstance(tag, str)]
        split = next((each for each in splits if each is not None), None)
        yield Entry(str(sample["filepath"]), things, fractions=True, split=split)


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
LABEL_STUDIO = Program("Label Studio", (f'"{RECTANGLES}"'.encode(),), _label_studio)
OUTLINES = Program("Label Studio", (f'"{POLYGONS}"'.encode(),), _label_studio)
VIA = Program("VGG Image Annotator", (b'"shape_attributes"', b'"regions"'), _via)
FIFTYONE = Program("FiftyOne", (b'"bounding_box"', b'"labels"'), _fiftyone)
SAMPLES = Program("FiftyOne", (b'"bounding_box"', b'"samples"', b'"filepath"'), _samples)
CREATEML = Program("Create ML", (b'"coordinates"', b'"annotations"', b'"label"'), _createml)
PROGRAMS = (LABELME, LABEL_STUDIO, OUTLINES, VIA, CREATEML, SAMPLES, FIFTYONE)
