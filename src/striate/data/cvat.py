"""CVAT for images 1.1: one XML file with an element for every image, boxes inside."""

import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from striate.data.boxes import Box, Boxes, Mark, around_turned
from striate.data.dataset import Dataset
from striate.data.frames import claimed
from striate.data.marked import Found, Marked, assembled, in_folders
from striate.data.markup import NotReadable, read_xml
from striate.data.names import counted
from striate.data.places import Missed, Pictures
from striate.data.roles import role
from striate.data.sniffing import some_of, starts_with_tag
from striate.data.splits import TRAIN
from striate.data.walking import walk
from striate.errors import DataError

LIMIT = 512 * 2**20


def find_cvat(root: Path) -> list[str]:
    """The XML files below a folder that are of this format."""
    if not root.is_dir():
        return []
    files = walk(root).marking(".xml")
    if not any(starts_with_tag(root / file, "annotations") for file in some_of(files)):
        return []
    return [file for file in files if starts_with_tag(root / file, "annotations")]


def open_cvat(root: Path, *, seed: int) -> Dataset[Boxes]:
    """The images and boxes of CVAT's files; outlines and turned boxes count as the boxes around
    them.

    Raises:
        DataError: if nothing is marked there.
    """
    folder = walk(root)
    pictures = Pictures(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    for file in find_cvat(root):
        try:
            tree = read_xml(root / file, limit=LIMIT)
        except NotReadable as error:
            found.leave(file, str(error))
            continue
        found.pictures += _rows(file, tree, pictures, found)
    if not found.pictures and found.left_out:
        raise DataError(f"{root}: {found.left_out[-1].name}: {found.left_out[-1].reason}")
    if not any(row.split for row in found.pictures):
        found.pictures = in_folders(found.pictures, found.notes)
    return assembled(root, found, seed=seed)


def _rows(file: str, tree: Element, pictures: Pictures, found: Found) -> Iterator[Marked]:
    images = tree.findall("image")
    place = tuple(file.split("/")[:-1])
    near = [place, (*place, "images"), (*place, "data")]
    joined = pictures.join((each.get("name", ""), near) for each in images)
    if not images:
        found.leave(file, "has no <image>: export it as CVAT for images")
    tags = 0
    for each, picture in zip(images, joined, strict=True):
        name = each.get("name", "")
        tags += len(each.findall("tag"))
        if isinstance(picture, Missed):
            found.leave(name or f"{file}: image {each.get('id', '?')}", picture.reason)
            continue
        marks = list(_marks(each, name, found))
        size = claimed(each.get("height"), each.get("width"))
        split = role(each.get("subset", ""), file=True)
        yield Marked(picture, marks, size, TRAIN if split is None else split, False, source=file)
    if tags:
        found.notes.append(f"{file}: {counted(tags, 'tag')} of whole images, not read as boxes")


def _marks(image: Element, name: str, found: Found) -> Iterator[Mark]:
    for number, shape in enumerate(image, start=1):
        if shape.tag == "tag":
            continue
        try:
            box = _edges(shape)
            if not all(math.isfinite(side) and abs(side) < 1e6 for side in box):
                raise ValueError(box)
        except ValueError:
            found.leave(f"{name}, object {number}", f"has no box that can be read: <{shape.tag}>")
            continue
        if label := shape.get("label", "").strip():
            yield Mark(label, box)
        else:
            found.leave(f"{name}, object {number}", "has no label")


def _edges(shape: Element) -> Box:
    """The box of a shape, or the one around it.

    Raises:
        ValueError: if it has none.
    """

    def numbers(*names: str) -> Iterator[float]:
        return (float(shape.get(name, "")) for name in names)

    if shape.tag == "box":
        x0, y0, x1, y1 = numbers("xtl", "ytl", "xbr", "ybr")
        middle = (x0 + x1) / 2, (y0 + y1) / 2
        return around_turned((x0, y0, x1, y1), float(shape.get("rotation", 0)), middle)
    if shape.tag == "ellipse":
        x, y, wide, high = numbers("cx", "cy", "rx", "ry")
        return x - wide, y - high, x + wide, y + high
    if shape.tag == "mask":
        left, top, width, height = numbers("left", "top", "width", "height")
        return left, top, left + width, top + height
    if shape.tag in ("polygon", "polyline"):
        points = [tuple(map(float, each.split(","))) for each in
                  shape.get("points", "").split(";")]  # fmt: skip
        across, down = zip(*points, strict=True)
        return min(across), min(down), max(across), max(down)
    raise ValueError(shape.tag)
