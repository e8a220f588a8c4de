"""COCO folders (Lin et al. 2014): one JSON file for all images of a split.

annotations/instances_train2017.json   train2017/000000000009.jpg   (or images/...)
train/_annotations.coco.json           train/picture.jpg
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from striate.data.boxes import BoxedDataset, Doubt, Mark, Objects, largest, mended
from striate.data.dataset import TEST, TRAIN, VALIDATION, Files, LeftOut
from striate.errors import DataError, UserError
from striate.files import read_bytes

MAX_BYTES = 2**30  # of one file; COCO's own largest has 470 MB
WORDS = (("train", TRAIN), ("val", VALIDATION), ("test", TEST))
PLACES = ("annotations/*.json", "*/_annotations.coco.json", "_annotations.coco.json", "*.json")


def find_coco(root: Path) -> list[Path]:
    """The JSON files of a folder that look like COCO's annotations of objects."""
    for place in PLACES:
        files = [path for path in sorted(root.glob(place)) if path.is_file()]
        found = [
            path
            for path in files
            if not path.name.startswith(("captions", "person_keypoints", "stuff", "panoptic"))
            and _looks_right(path)
        ]
        if found:
            return found
    return []


def _looks_right(path: Path) -> bool:
    """Whether the words that the format cannot do without stand in the file."""
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                if b'"annotations"' in block or b'"images"' in block:
                    return True
    except OSError:
        return False
    return False


def split_of(path: Path, root: Path) -> int:
    """The split that the name of a file or of its folder tells; what tells none is learned from."""
    words = path.relative_to(root).as_posix().lower().removeprefix("annotations/")
    return next((split for word, split in WORDS if word in words), TRAIN)


def open_coco(
    root: Path, files: list[Path], *, seed: int = 0, name: str | None = None
) -> BoxedDataset:
    """The images and boxes of COCO files, in the splits that their names tell.

    Splits that no file names are drawn. Crowds (`iscrowd`) are kept as such.

    Raises:
        DataError: if a file is not of the format, or nothing is marked.
    """
    tables = [(path, _read(path)) for path in files]
    words = {
        str(each["name"]) for path, table in tables for each in _entries(path, table, "categories")
    }
    classes = tuple(sorted(words & set(_used(tables))))
    if not classes:
        raise DataError(f"{root}: no object is marked in {', '.join(each.name for each in files)}")
    numbers = {word: number for number, word in enumerate(classes)}
    places: list[str] = []
    objects: list[Objects] = []
    sizes: list[tuple[int, int]] = []
    split: list[int] = []
    left_out: list[LeftOut] = []
    doubts: list[Doubt] = []
    for path, table in tables:
        for place, size, marks in _images(root, path, table):
            if not (root / place).is_file():
                left_out.append(LeftOut(place, f"is named in {path.name} and is not there"))
                continue
            some, wrong = mended(marks, numbers, size, place)
            places.append(place)
            objects.append(some)
            sizes.append(size)
            split.append(split_of(path, root))
            doubts += wrong
    if not places:
        raise DataError(f"{root}: none of the {len(left_out)} images of {files[0].name} is there")
    data = BoxedDataset(
        name=name or root.resolve().name,
        classes=classes,
        images=Files(places, root),
        targets=largest(objects, len(classes)),
        split=np.array(split, np.int8),
        left_out=tuple(left_out),
        objects=tuple(objects),
        sizes=np.array(sizes, np.int64),
        doubts=tuple(doubts),
    )
    completed = data.complete(seed)
    assert isinstance(completed, BoxedDataset)
    return completed


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(read_bytes(path, limit=MAX_BYTES))
    except (UserError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise DataError(f"{path} is no COCO file: it holds no object of images and annotations")
    return table


def _entries(path: Path, table: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    entries = table.get(kind)
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise DataError(f"{path} is no COCO file: it has no list of {kind}")
    return entries


def _used(tables: list[tuple[Path, dict[str, Any]]]) -> Iterator[str]:
    """The names of the categories that something is marked as."""
    for path, table in tables:
        names = _names(path, table)
        yield from {
            names[each["category_id"]]
            for each in _entries(path, table, "annotations")
            if each.get("category_id") in names
        }


def _names(path: Path, table: dict[str, Any]) -> dict[Any, str]:
    try:
        return {each["id"]: str(each["name"]) for each in _entries(path, table, "categories")}
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: a category without {error}") from error


def _images(
    root: Path, path: Path, table: dict[str, Any]
) -> Iterator[tuple[str, tuple[int, int], list[Mark]]]:
    """Each image's place below the root, height and width, and marks."""
    names = _names(path, table)
    marks: dict[Any, list[Mark]] = {}
    try:
        for each in _entries(path, table, "annotations"):
            x, y, width, height = (float(value) for value in each["bbox"])
            box = (x, y, x + width, y + height)
            if not all(math.isfinite(value) and abs(value) < 1e6 for value in box):
                raise DataError(f"{path}: a box that no image holds: {each['bbox']}")
            crowd = bool(each.get("iscrowd", 0))
            mark = Mark(names[each["category_id"]], box, crowd=crowd)
            marks.setdefault(each["image_id"], []).append(mark)
        for each in _entries(path, table, "images"):
            size = int(each["height"]), int(each["width"])
            yield _place(root, path, str(each["file_name"])), size, marks.get(each["id"], [])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is no COCO file of objects: {error!r}") from error


def _place(root: Path, path: Path, name: str) -> str:
    """Where an image lies, below the root: beside the file, or in a folder named like it."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DataError(f"{path}: {name!r} leads out of the folder")
    word = path.stem.rpartition("_")[2]  # instances_train2017: train2017
    folders = (path.parent, root / word, root / "images", root / "images" / word, root)
    found = next((each / name for each in folders if (each / name).is_file()), root / name)
    return found.relative_to(root).as_posix()
