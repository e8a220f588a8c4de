"""COCO (Lin et al. 2014): one JSON file for all images of a split.

annotations/instances_train2017.json   train2017/000000000009.jpg   (or images/...)
train/_annotations.coco.json           train/picture.jpg
labels.json                            data/picture.jpg
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from striate.data.boxes import Boxes, Mark
from striate.data.dataset import Dataset
from striate.data.frames import claimed
from striate.data.marked import Found, Marked, assembled
from striate.data.markup import NotReadable, read_json
from striate.data.names import counted, quoted
from striate.data.places import Missed, Pictures
from striate.data.remembering import remembered
from striate.data.roles import role
from striate.data.sniffing import holds
from striate.data.splits import TRAIN
from striate.data.walking import Place, walk
from striate.errors import DataError

NEEDED = (b'"images"', b'"annotations"', b'"categories"')
PLACES = (b'"bbox"', b'"segmentation"')  # one of them
POINTS = (b'"keypoints"',)
KEYPOINTS = "keypoints"
NO_BOX = (0.0, 0.0, 0.0, 0.0)  # of points without one
OTHERS = ("captions_", "person_keypoints_", "stuff_", "panoptic_")  # of the same images
FOLDERS = ("images", "data", "Images", "JPEGImages", "img", "imgs")

Entry = dict[str, Any]
Table = dict[str, list[Entry]]


def find_coco(root: Path, places: Sequence[bytes] = PLACES) -> list[str]:
    """The JSON files below a folder that may hold COCO's annotations of objects.

    Args:
        places: words for where an object is, one of which a file must hold.
    """
    files = [file for file in walk(root).marking(".json") if file.count("/") <= 2]
    found = [file for file in files if any(holds(root / file, *NEEDED, place) for place in places)]
    if places == POINTS:
        return found
    instances = [file for file in found if not file.rpartition("/")[2].startswith(OTHERS)]
    return instances or found


def is_coco(root: Path) -> bool:
    """Whether a folder holds COCO's annotations of objects."""
    return root.is_dir() and any(_boxed(root / file) for file in find_coco(root))


def _boxed(path: Path) -> bool:
    """Whether a file is made of lists of objects, and some annotation has a box.

    Of a file that is cut off nobody knows, and it is refused when it is read.
    """
    try:
        table = _read(path)
    except NotReadable:
        return True
    return isinstance(table, dict) and all(
        isinstance(table.get(kind), list) and any(isinstance(each, dict) for each in table[kind])
        for kind in ("images", "annotations", "categories")
    )


def open_coco(root: Path, *, seed: int = 0, name: str | None = None) -> Dataset[Boxes]:
    """The images and boxes of COCO files, in the splits that their names tell.

    Splits that no file names are drawn. Crowds (`iscrowd`) are kept as such.

    Raises:
        DataError: if no file is of the format, or nothing is marked.
    """
    return assembled(root, found_in(root), seed=seed, name=name)


def found_in(root: Path, *, shape: str | None = None) -> Found:
    """What COCO files mark.

    Args:
        shape: what marks keep of an annotation beside its box: "segmentation", or "keypoints",
            which then need no box; None: nothing.

    Raises:
        DataError: if no file is of the format.
    """
    folder = walk(root)
    files = find_coco(root, POINTS if shape == KEYPOINTS else PLACES)
    pictures = Pictures(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    others = sorted(set(folder.marking(".json")) - set(files))
    if others:
        found.notes.append(f"not read, no annotations of objects: {quoted(others, most=3)}")
    refused: list[str] = []
    for file in files:
        try:
            table = table_of(root / file)
        except NotReadable as error:
            refused.append(f"{file} {error}")
            found.leave(file, str(error))
            continue
        found.pictures += _rows(file, table, pictures, found, shape)
    if len(refused) == len(files):
        raise DataError(f"{root}: {refused[0] if refused else 'no COCO file'}")
    missing = pictures.paths.keys() - {row.picture for row in found.pictures}
    if missing:
        found.notes.append(
            f"{counted(len(missing), 'image')} in no COCO file, not read: {quoted(missing, most=2)}"
        )
    return found


def split_of(file: str) -> int:
    """The split that the name of a file or of its folder tells; what tells none is learned from."""
    *folders, name = file.split("/")
    splits = [role(name.removesuffix(".json"), file=True), *map(role, reversed(folders))]
    return next((split for split in splits if split is not None), TRAIN)


def _read(path: Path) -> Any:
    return remembered(("json", path), lambda: read_json(path))


def table_of(path: Path) -> Table:
    """The lists of a file; what in them is not an object is left out where it is used."""
    table = _read(path)
    if not isinstance(table, dict):
        raise NotReadable("is not a COCO file: it holds no object of images and annotations")
    for kind in ("images", "annotations", "categories"):
        if not isinstance(table.get(kind), list):
            raise NotReadable(f"is not a COCO file: it has no list of {kind}")
    return table


class Ids:
    """Entries by their ids, which may be numbers in one table and text in the other.

    Attributes:
        twice: ids that stand for several entries which are not alike.
    """

    def __init__(self, entries: Iterator[tuple[Any, Any]]):
        self._known: dict[Any, Any] = {}
        self.twice: dict[Any, list[Any]] = {}
        for number, entry in entries:
            key = plain_id(number)
            if key in self._known and self._known[key] != entry:
                self.twice.setdefault(key, [self._known[key]]).append(entry)
            self._known[key] = entry
        for key in self.twice:
            del self._known[key]

    def get(self, number: Any) -> Any:
        """The entry of an id; None where there is none, or more than one."""
        return self._known.get(plain_id(number))


def plain_id(number: Any) -> Any:
    """An id in the form in which it is compared: "7", 7 and 7.0 are the same.

    >>> plain_id("7"), plain_id(7.0), plain_id("a7"), plain_id([7])
    (7, 7, 'a7', None)
    """
    if isinstance(number, str):
        number = number.strip()
        return int(number) if number.isdecimal() and len(number) < 20 else number
    if isinstance(number, float) and number.is_integer():
        return int(number)
    return number if isinstance(number, int) else None


def _rows(
    file: str, table: Table, pictures: Pictures, found: Found, shape: str | None
) -> Iterator[Marked]:
    """Every image of a file that is there, with its marks."""
    names = Ids(_named(table))
    images = Ids(
        (each.get("id"), _file_name(each))
        for each in table["images"]
        if isinstance(each, dict) and _file_name(each)
    )
    for key, several in images.twice.items():
        found.leave(f"{file}: image id {key}", f"stands for several images: {quoted(several)}")
    for key, several in names.twice.items():
        found.leave(f"{file}: category id {key}", f"stands for several: {quoted(several)}")
    marks = _marks(file, table, names, images, found, shape)
    near = _near(file)
    sound: list[tuple[Entry, str]] = []
    nameless = []
    for number, each in enumerate(table["images"]):
        if not isinstance(each, dict) or not _file_name(each):
            nameless.append(str(each.get("id", number)) if isinstance(each, dict) else str(number))
        elif plain_id(each.get("id")) not in images.twice:
            sound.append((each, _file_name(each)))
    found.leave_many(nameless, "image", file, "has no file_name")
    split = split_of(file)
    places = pictures.join((name, near) for _, name in sound)
    for (each, name), place in zip(sound, places, strict=True):
        if isinstance(place, Missed):
            why = place.reason
            found.leave(name, f"{why}, named in {file}" if why == "no such file" else why)
            continue
        size = claimed(each.get("height"), each.get("width"))
        key = plain_id(each.get("id"))
        yield Marked(place, marks.get(key, ()), size, split, source=file)


def _file_name(each: Entry) -> str:
    name = each.get("file_name")
    return name.strip() if isinstance(name, str) else ""


def _named(table: Table) -> Iterator[tuple[Any, str]]:
    for each in table["categories"]:
        name = each.get("name") if isinstance(each, dict) else None
        if isinstance(name, str | int) and str(name).strip():
            yield each.get("id"), str(name).strip()


def _near(file: str) -> list[Place]:
    """Where the images of a file lie: beside it, or in a folder named like it."""
    *place, name = file.split("/")
    word = name.removesuffix(".json").rpartition("_")[2]  # instances_train2017: train2017
    around = tuple(place[:-1])
    found: list[Place] = [tuple(place), (*around, word), (*place, word)]
    for each in FOLDERS:
        found += [(*place, each), (*around, each), (*around, each, word), (*place, each, word)]
    return [*found, around]


def _marks(
    file: str, table: Table, names: Ids, images: Ids, found: Found, shape: str | None
) -> dict[Any, list[Mark]]:
    """The marks of each image, by its id; every annotation that is none is left out by name."""
    marks: dict[Any, list[Mark]] = {}
    reasons: dict[str, list[str]] = {}
    for number, each in enumerate(table["annotations"]):
        mark = _mark(each, names, images, shape)
        if isinstance(mark, str):
            key = each.get("id", number) if isinstance(each, dict) else number
            reasons.setdefault(mark, []).append(str(key)[:40])
        else:
            marks.setdefault(plain_id(each["image_id"]), []).append(mark)
    for reason, keys in reasons.items():
        found.leave_many(keys, "annotation", file, reason)
    lost = {reason: len(keys) for reason, keys in reasons.items() if "meets no" in reason}
    for reason, count in lost.items():
        found.notes.append(f"{file}: of {counted(count, 'annotation')}, the {reason}")
    return marks


def _mark(each: Any, names: Ids, images: Ids, shape: str | None) -> Mark | str:
    """The mark of an annotation, or why there is none."""
    if not isinstance(each, dict):
        return "is not an object"
    if images.get(each.get("image_id")) is None:
        return "image_id meets no image"
    if (name := names.get(each.get("category_id"))) is None:
        return "category_id meets no category"
    kept = each.get(shape) if shape is not None else None
    box = _box(each)
    if isinstance(box, str):
        if shape != KEYPOINTS or each.get("bbox"):
            return box
        box = NO_BOX
    area = each.get("area")
    if shape == KEYPOINTS and kept:
        kept = (kept, float(area) if isinstance(area, int | float) and area > 0 else None)
    return Mark(name, box, crowd=bool(each.get("iscrowd", 0)), shape=kept or None)


def _box(each: Entry) -> tuple[float, float, float, float] | str:
    box = each.get("bbox")
    if not box:
        edges = _around(each.get("segmentation"))
        if edges is None:
            return "has no bbox"
    else:
        try:
            x, y, width, height = map(float, box)
        except (TypeError, ValueError, OverflowError):
            return "has a bbox that is not four numbers"
        edges = (x, y, x + width, y + height)
    if not all(math.isfinite(value) and abs(value) < 1e6 for value in edges):
        return "has a bbox that no image holds"
    return edges


def _around(outlines: Any) -> tuple[float, float, float, float] | None:
    """The box around the polygons of a segmentation, `[[x, y, x, y...]...]`; None without any."""
    try:
        across = [float(value) for outline in outlines for value in outline[::2]]
        down = [float(value) for outline in outlines for value in outline[1::2]]
    except (TypeError, ValueError, OverflowError):  # a run-length code, or nothing
        return None
    return (min(across), min(down), max(across), max(down)) if across and down else None
