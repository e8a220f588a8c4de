"""YOLO (Ultralytics, darknet): one text file an image, `class x y width height` a line, all of them
fractions of the picture's sides, x and y of the center.

    data.yaml   images/train/a.jpg   labels/train/a.txt     (or train/images/, train/labels/)
    obj.data    obj.names   data/a.jpg   data/a.txt
"""

import re
from collections.abc import Sequence
from pathlib import Path

from striate import progress
from striate.data.boxes import Boxes, Mark
from striate.data.dataset import Dataset
from striate.data.marked import Found, Marked, assembled, in_folders, listed
from striate.data.markup import text_of
from striate.data.names import canonical, counted, quoted, stem_of
from striate.data.places import Pictures, key_of, parts_of
from striate.data.remembering import remembered
from striate.data.sniffing import some_of, start_of
from striate.data.splits import SPLITS, TEST, TRAIN, VALIDATION
from striate.data.walking import Folder, Place, walk
from striate.data.yaml import Value, read_yaml
from striate.errors import UserError
from striate.files import read_bytes

MAX_BYTES = 16 * 2**20
CLASS = re.compile(r"[0-9]+(?:\.0*)?")
NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")
KEYS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "test": TEST}
NAMES = ("classes.txt", "obj.names", "labels.txt", "predefined_classes.txt", "_darknet.labels")
POSED = "kpt_shape"  # in the data.yaml of a set whose objects have key points, too
REACH = 1.02  # of a side; what reaches further is not a fraction


def is_yolo(root: Path) -> bool:
    """Whether text files below a folder, called like its images, hold lines of YOLO."""
    if not root.is_dir():
        return False
    labels = _labels(root)
    some = [start_of(root / file) for file in some_of(sorted(labels.values()))]
    filled = [data for data in some if data.strip()]
    return bool(filled) and sum(map(_looks_right, filled)) > 0.5 * len(filled)


def _looks_right(data: bytes) -> bool:
    line = text_of(data)[0].strip().partition("\n")[0].split()
    return (
        len(line) >= 5
        and CLASS.fullmatch(line[0]) is not None
        and all(NUMBER.fullmatch(word) for word in line[1:])
    )


def open_yolo(root: Path, *, seed: int) -> Dataset[Boxes]:
    """The images and boxes of a YOLO folder; the splits are those of its `data.yaml`, or of its
    folders, and what they lack is drawn.

    An empty label file says that nothing is there; an image without one is left out.

    Raises:
        DataError: if nothing is marked there.
    """
    folder = walk(root)
    pictures = Pictures(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    about = _about(root, folder, found)
    names = _names(root, folder, about)
    labels = _labels(root)
    unnamed: set[int] = set()
    for picture in progress.track(sorted(pictures.paths), "read labels"):
        file = labels.get(picture)
        if file is None:
            found.leave(picture, "has no label file (an empty one says that nothing is there)")
            continue
        marks = _marks(root / file, file, names, found, unnamed, posed=POSED in about)
        if marks is not None:
            found.pictures.append(Marked(picture, marks, fractions=True, source=file))
    for file in _orphans(root, folder, set(labels.values())):
        found.leave(file, "has no image of its name")
    if unnamed:
        found.notes.append(f"{counted(len(unnamed), 'class')} without a name, called by number")
    used = {mark.name for row in found.pictures for mark in row.marks}
    found.pictures = _in_splits(root, found, about)
    classes = [name for name in names if name in used]
    classes += sorted(used.difference(classes), key=lambda name: (len(name), name))
    return assembled(root, found, seed=seed, classes=classes)


def _labels(root: Path) -> dict[str, str]:
    return remembered(("yolo", root), lambda: _label_files(walk(root)))


def _label_files(folder: Folder) -> dict[str, str]:
    """The label file of each image that has one: beside it, or below `labels` where it is below
    `images`; whatever the case."""
    texts: dict[Place, dict[str, str]] = {}
    for place, names in folder.marks.items():
        held = texts.setdefault(tuple(map(key_of, place)), {})
        for name in names:
            if name.lower().endswith(".txt"):
                held[key_of(name[:-4])] = "/".join((*place, name))
    found = {}
    for place, names in folder.files.items() if any(texts.values()) else ():
        folders = [texts[each] for each in _places(tuple(map(key_of, place))) if each in texts]
        for name in names:
            stem = key_of(stem_of(name))
            if file := next((held[stem] for held in folders if stem in held), None):
                found["/".join((*place, name))] = file
    return found


def _orphans(root: Path, folder: Folder, known: set[str]) -> list[str]:
    """Label files, in folders of such, that no image has."""
    held = {file.rpartition("/")[0] for file in known}
    return [
        file
        for file in folder.marking(".txt")
        if file not in known
        and file.rpartition("/")[0] in held
        and _looks_right(start_of(root / file))
    ]


def _places(place: Place) -> list[Place]:
    """Where the label files of images in a folder may lie."""
    found = [place]
    found += [
        (*place[:depth], "labels", *place[depth + 1 :])
        for depth in range(len(place) - 1, -1, -1)
        if place[depth] in ("images", "imgs", "img", "jpegimages", "obj_train_data")
    ]
    return [*found, (*place, "labels"), ("labels", *place), (*place[:-1], "labels")]


def _about(root: Path, folder: Folder, found: Found) -> dict[str, Value]:
    """What `data.yaml` or darknet's `obj.data` says, of several the one that names most; {} without
    one."""
    best: dict[str, Value] = {}
    for file in folder.marking(".yaml", ".yml", ".data"):
        if file.count("/") > 1:
            continue
        try:
            darknet = file.lower().endswith(".data")
            values = _equations(root / file) if darknet else read_yaml(root / file)
        except UserError as error:
            found.leave(file, str(error))
            continue
        known = {key: values[key] for key in (*KEYS, "names", "path", POSED) if key in values}
        if len(known) > len(best):
            best = known
    return best


def _equations(path: Path) -> dict[str, Value]:
    """Darknet's `train = data/train.txt`, a line each."""
    text, _ = text_of(read_bytes(path, limit=MAX_BYTES))
    pairs = (line.partition("=") for line in text.split("\n"))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def _names(root: Path, folder: Folder, about: dict[str, Value]) -> list[str]:
    """The names of the classes, by number."""
    names = about.get("names")
    if isinstance(names, dict):
        numbers = [key for key in names if key.isdecimal() and len(key) < 6]
        most = max(map(int, numbers), default=-1)
        return [str(names.get(str(number), number)) for number in range(most + 1)]
    if isinstance(names, list) and names:
        return [canonical(str(name)) for name in names]
    for place, files in sorted(folder.marks.items()):
        for file in sorted(files):
            if file.lower() in NAMES or file.lower().endswith(".names"):
                lines = _text(root / "/".join((*place, file))).split("\n")
                if words := [canonical(line) for line in lines if line.strip()]:
                    return words
    return []


def _text(path: Path) -> str:
    try:
        return text_of(read_bytes(path, limit=MAX_BYTES))[0]
    except UserError:
        return ""


def _marks(
    path: Path, file: str, names: Sequence[str], found: Found, unnamed: set[int], *, posed: bool
) -> list[Mark] | None:
    """The objects of a label file; None if it cannot be read. A line that is none is left out."""
    try:
        text, _ = text_of(read_bytes(path, limit=MAX_BYTES))
    except UserError as error:
        found.leave(file, str(error))
        return None
    marks = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        if not words:
            continue
        box = _box(words[:5] if posed else words)
        name = None if isinstance(box, str) else _name(words[0], names, unnamed)
        if isinstance(box, str) or name is None:
            reason = (
                box if isinstance(box, str) else f"is of class {words[0][:20]}, which has no name"
            )
            found.leave(f"{file}, line {number}", reason)
        else:
            marks.append(Mark(name, box))
    return marks


def _name(word: str, names: Sequence[str], unnamed: set[int]) -> str | None:
    number = int(float(word))
    if number < len(names):
        return names[number]
    if names:
        return None
    unnamed.add(number)
    return str(number)


def _box(words: Sequence[str]) -> tuple[float, float, float, float] | str:
    """The edges of a line's box, or of its outline's; or why it has none."""
    try:
        number, *values = map(float, words)
    except ValueError:
        return "is not numbers"
    if not (number.is_integer() and 0 <= number < 1e5):
        return "has no class number"
    if len(values) in (4, 5):  # five: with a confidence
        x, y, width, height = values[:4]
        edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    elif len(values) >= 6 and len(values) % 2 == 0:
        edges = (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))
    else:
        return f"has {len(values)} numbers after the class, and not 4"
    if not all(abs(value) <= REACH for value in values[:4]):  # written so that NaN fails, too
        return "has numbers that are not fractions of the picture's sides"
    return edges


def _in_splits(root: Path, found: Found, about: dict[str, Value]) -> list[Marked]:
    """The rows in the splits that `data.yaml` says by folders or lists of images, else in those of
    their folders."""
    lists: dict[int, set[str]] = {}
    unmet = []
    for key, split in KEYS.items():
        values = about.get(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and value.strip():
                rows = _named(root, value, found.pictures)
                lists.setdefault(split, set()).update(rows)
                if not rows:
                    unmet.append(value)
    learned = lists.get(TRAIN)
    if learned:
        for split in (VALIDATION, TEST):
            if lists.get(split) and learned <= lists[split]:
                del lists[split]
                found.notes.append(f"data.yaml names one folder as {SPLITS[split]} and as train")
        if unmet:
            found.notes.append(f"data.yaml names what is not here: {quoted(unmet, most=3)}")
        return listed(found.pictures, lists, "data.yaml", found.notes)
    return in_folders(found.pictures, found.notes)


def _named(root: Path, value: str, rows: Sequence[Marked]) -> set[str]:
    """The pictures of a folder, or of a list, that is called by its path on any machine."""
    parts = tuple(map(key_of, parts_of(value)))
    if parts and parts[-1].endswith(".txt"):
        return _listed(root, parts_of(value), rows)
    folders = {row.picture: tuple(map(key_of, row.picture.split("/")[:-1])) for row in rows}
    for start in range(len(parts)):
        tail = parts[start:]
        inside = {
            picture for picture, place in folders.items()
            if any(place[at : at + len(tail)] == tail for at in range(len(place)))
        }  # fmt: skip
        if inside:
            return inside
    return set()


def _listed(root: Path, parts: Place, rows: Sequence[Marked]) -> set[str]:
    for start in range(len(parts)):
        path = root.joinpath(*parts[start:])
        if path.is_file():
            wanted = {parts_of(line) for line in _text(path).split("\n") if line.strip()}
            tails = {tuple(map(key_of, each[-depth:])) for each in wanted for depth in (1, 2, 3)}
            found = set()
            for row in rows:
                place = tuple(map(key_of, row.picture.split("/")))
                depth = min(3, len(place))
                if place[-depth:] in tails:
                    found.add(row.picture)
            return found
    return set()
