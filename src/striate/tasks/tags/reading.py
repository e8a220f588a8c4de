"""Tags from what marks classes otherwise: boxes, masks, and the lists of PASCAL VOC's first task.

ImageSets/Main/CLASS_train.txt, CLASS_val.txt ...: one line an image, `000012 1`; 1 is there, -1 is
not, and 0 is difficult: there, but so that nobody is asked (Everingham et al. 2010, Section 4.1).
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from striate.data import READERS as KNOWN
from striate.data import Boxes, Dataset, Files, LeftOut, Masks, Reader, Tags
from striate.data.markup import text_of
from striate.data.names import counted, natural, quoted
from striate.data.places import Missed, Pictures
from striate.data.roles import role
from striate.data.splits import ASIDE, TRAIN
from striate.data.tags import ABSENT, THERE, UNKNOWN
from striate.data.walking import walk
from striate.errors import DataError
from striate.files import read_bytes

MAIN = "ImageSets/Main"
MAX_LIST = 2**26  # bytes
LINE = re.compile(r"(\S+)\s+(-?1|0)")
MARKS = {"1": THERE, "-1": ABSENT, "0": UNKNOWN}


def of_boxes(dataset: Dataset[Any]) -> Dataset[Tags]:
    """The classes of which a box is in each picture; of those that are only difficult, or crowds,
    nobody knows."""
    targets: Boxes = dataset.targets
    numbers = np.zeros((len(targets), len(targets.names)), np.int8)
    for row, marked in enumerate(targets.objects):
        numbers[row, marked.classes[~marked.asked]] = UNKNOWN
        numbers[row, marked.classes[marked.asked]] = THERE
    return tagged(dataset, Tags(targets.names, numbers), "boxes")


def of_masks(dataset: Dataset[Any]) -> Dataset[Tags]:
    """The classes of which a pixel is in each picture's mask."""
    targets: Masks = dataset.targets
    numbers = targets.present.astype(np.int8)
    return tagged(dataset, Tags(targets.names, numbers), "masks")


def tagged(dataset: Dataset[Any], tags: Tags, what: str) -> Dataset[Tags]:
    """The same pictures with tags for targets."""
    found: Dataset[Tags] = replace(dataset, targets=tags)
    return found.noted(f"tags are the classes of the {what} in each picture")


def is_main(path: Path) -> bool:
    """Whether a folder has VOC's lists of one class each."""
    return bool(_lists(path))


def _lists(root: Path) -> list[tuple[str, int, bool, Path]]:
    """Class, split, whether it is of training and validation together, and path of each list."""
    found = []
    folder = root / MAIN
    if root.is_dir() and folder.is_dir():
        for path in sorted(folder.glob("*_*.txt")):
            name, _, part = path.stem.rpartition("_")
            split = role(part)
            if name and split is not None:
                found.append((name, split, part.lower() == "trainval", path))
    return found


def open_main(root: Path, *, seed: int) -> Dataset[Tags]:
    """The pictures of VOC's lists of one class each.

    `CLASS_trainval.txt` counts for pictures that no other list has.

    Raises:
        DataError: if none of the pictures is there.
    """
    lists = _lists(root)
    classes = sorted({name for name, *_ in lists}, key=natural)
    place = {name: number for number, name in enumerate(classes)}
    marks: dict[str, dict[int, int]] = {}
    splits: dict[str, int] = {}
    left_out: list[LeftOut] = []
    for name, split, both, path in sorted(lists, key=lambda each: each[2]):
        text, _ = text_of(read_bytes(path, limit=MAX_LIST))
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            match = LINE.fullmatch(line.strip())
            if match is None:
                left_out.append(LeftOut(f"{MAIN}/{path.name}:{number}", "is not `NAME 1`, -1 or 0"))
                continue
            marks.setdefault(match[1], {}).setdefault(place[name], MARKS[match[2]])
            if not both or match[1] not in splits:
                splits[match[1]] = max(split, splits.get(match[1], TRAIN))
    pictures = Pictures(walk(root))
    rows: list[tuple[str, str]] = []
    missing = []
    for name in sorted(marks, key=natural):
        file = pictures.of_stem(name, [("JPEGImages",), ()])
        if isinstance(file, Missed):
            missing.append(name)
        else:
            rows.append((file, name))
    if not rows:
        raise DataError(f"{root}: none of {counted(len(marks), 'picture')} of {MAIN} is there")
    numbers = np.full((len(rows), len(classes)), UNKNOWN, np.int8)
    for row, (_, name) in enumerate(rows):
        for column, mark in marks[name].items():
            numbers[row, column] = mark
    notes = [f"tags are of the lists {MAIN}/CLASS_train.txt: 1 is there, -1 is not, 0 is difficult"]
    if missing:
        named = quoted(missing, most=3)
        notes.append(f"{counted(len(missing), 'picture')} of {MAIN} missing: {named}")
    data = Dataset(
        name=root.resolve().name,
        inputs=Files([file for file, _ in rows], root),
        targets=Tags(tuple(classes), numbers),
        split=np.array([splits.get(name, ASIDE) for _, name in rows], np.int8),
        left_out=tuple(left_out),
        notes=tuple(notes),
    )
    return data.complete(seed)


def _derived(reader: Reader) -> Reader:
    convert = {"boxes": of_boxes, "masks": of_masks}[reader.kind]
    return Reader(
        f"{reader.name}, as tags",
        "tags",
        reader.matches,
        lambda path, *, seed: convert(reader.open(path, seed=seed)),
        fallback=True,
    )


READERS = (
    Reader(f"PASCAL VOC ({MAIN}/CLASS_train.txt)", "tags", is_main, open_main, fallback=True),
    *(
        _derived(reader)
        for reader in KNOWN
        if reader.kind in ("boxes", "masks") and not reader.fallback
    ),
)
"""Forms that only this task reads; where a set can be read otherwise, too, that goes first unless
this task is asked for."""
