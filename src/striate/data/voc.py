"""PASCAL VOC (Everingham et al. 2010): one XML file an image, and perhaps lists of names as splits.

Annotations/NAME.xml   JPEGImages/NAME.jpg   ImageSets/Main/train.txt, val.txt, test.txt
NAME.jpg   NAME.xml                          as labelImg writes them, each beside its image
train/, valid/, test/                        of such, as Roboflow exports them
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from striate import progress
from striate.data.boxes import Boxes, Mark
from striate.data.dataset import Dataset
from striate.data.frames import claimed
from striate.data.marked import Found, Marked, assembled
from striate.data.markup import NotReadable, read_xml, word
from striate.data.names import canonical, stem_of
from striate.data.places import NO_FILE, Missed, Pictures, key_of, parts_of
from striate.data.sniffing import some_of, starts_with_tag
from striate.data.voc_lists import in_splits
from striate.data.walking import Place, walk

MAX_BYTES = 4 * 2**20  # of one annotation
SIDES = ("xmin", "ymin", "xmax", "ymax")
ANNOTATIONS = "Annotations"
PICTURES = ("JPEGImages", "images", "Images", "imgs", "data", "img", "pictures")
NO_PICTURE = Missed("has no image of its name")


def is_voc(root: Path) -> bool:
    """Whether some XML files below a folder are annotations of images."""
    if not root.is_dir():
        return False
    files = walk(root).marking(".xml")
    return any(starts_with_tag(root / file, "annotation") for file in some_of(files))


def open_voc(root: Path, *, seed: int = 0, name: str | None = None) -> Dataset[Boxes]:
    """The images and boxes of the annotations below a folder.

    The lists of `ImageSets/Main` are the splits, else the folders `train/`, `valid/`, `test/`; what
    they lack, striate draws. An image on none of the lists is in no split.

    Raises:
        DataError: if nothing is marked there.
    """
    name = name or root.resolve().name
    root = _inner(root)
    folder = walk(root)
    pictures = Pictures(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    found.pictures += _rows(root, folder.marking(".xml"), pictures, found)
    marked = {row.picture for row in found.pictures}
    for path in sorted(pictures.paths.keys() - marked):
        found.leave(path, "has no annotation")
    found.pictures = in_splits(root, folder, found)
    return assembled(root, found, seed=seed, name=name)


def _inner(root: Path) -> Path:
    """The folder that holds `Annotations`: this one, or the only one below that does."""
    if (root / ANNOTATIONS).is_dir():
        return root
    inner = [each.parent for each in sorted(root.glob(f"*/{ANNOTATIONS}")) if each.is_dir()]
    return inner[0] if len(inner) == 1 else root


def _rows(root: Path, files: Sequence[str], pictures: Pictures, found: Found) -> Iterator[Marked]:
    """Every annotation with the picture that it means."""
    annotated = {key_of(stem_of(_own(file))) for file in files}
    beside: dict[Place, list[Place]] = {}
    for file in progress.track(files, "read annotations"):
        try:
            tree = read_xml(root / file, limit=MAX_BYTES)
            if tree.tag != "annotation":
                raise NotReadable(f"is not an annotation of VOC: it is a <{tree.tag[:40]}>")
        except NotReadable as error:
            found.leave(file, str(error))
            continue
        place = tuple(file.split("/")[:-1])
        if place not in beside:
            beside[place] = _near(place)
        picture = _picture(tree, _own(file), annotated, pictures, beside[place])
        if isinstance(picture, Missed):
            found.leave(file, picture.reason)
            continue
        marks = list(_marks(tree, file, found))
        size = claimed(word(tree, "size/height"), word(tree, "size/width"))
        yield Marked(picture, marks, size, from_one=True, source=file)


def _own(file: str) -> str:
    """The name of an annotation without its suffix."""
    return file.rpartition("/")[2][: -len(".xml")]


def _near(place: Place) -> list[Place]:
    """Where the pictures of annotations in a folder may lie: beside them, or in a folder beside."""
    found = [place]
    for depth in range(len(place), 0, -1):
        around, inside = place[: depth - 1], place[depth:]
        found += [(*around, each, *inside) for each in PICTURES]
    return [*found, *((each,) for each in PICTURES), ()]


def _picture(
    tree: Element,
    own: str,
    annotated: set[str],
    pictures: Pictures,
    near: Sequence[Place],
) -> str | Missed:
    """The picture of an annotation: that of its own name, of several the one that its <filename>
    says; or, where there is none of its name, the one of that name."""
    said = (parts_of(word(tree, "filename")) or parts_of(word(tree, "path")) or ("",))[-1]
    by_filename = pictures.one(said, near) if said else NO_FILE
    if isinstance(by_filename, str) and _stem(by_filename) == key_of(stem_of(own)):
        return by_filename
    by_name = pictures.one(own, near) if stem_of(own) != own else NO_FILE  # `x.jpg.xml`
    if by_name is NO_FILE:
        by_name = pictures.of_stem(own, near)
    if isinstance(by_name, Missed):
        if isinstance(by_filename, str):
            return by_filename
        return NO_PICTURE if by_name is NO_FILE else by_name
    if isinstance(by_filename, str) and _stem(by_filename) not in annotated:
        return Missed(
            f"is called like {by_name!r}, and its <filename> is that of {by_filename!r}, which has "
            "no annotation of its own: one of them is wrong"
        )
    return by_name


def _stem(path: str) -> str:
    return key_of(stem_of(path.rpartition("/")[2]))


def _marks(tree: Element, file: str, found: Found) -> Iterator[Mark]:
    """Every object of an annotation that has a name and a box."""
    for number, thing in enumerate(tree.iter("object"), start=1):
        name, place = canonical(word(thing, "name")), thing.find("bndbox")
        sides = [""] * 4 if place is None else [word(place, side) for side in SIDES]
        reason = "" if name else "has no name"
        try:
            box = tuple(map(float, sides))
            if not -1e6 < min(box) <= max(box) < 1e6 or math.isnan(sum(box)):
                reason = f"has a box that no image holds: {', '.join(sides)[:100]}"
        except ValueError:
            reason = "has no box" if not any(sides) else f"has a box of {', '.join(sides)[:100]!r}"
        if reason:
            found.leave(f"{file}, object {number}", reason)
        else:
            difficult = word(thing, "difficult").lower() in ("1", "true")
            yield Mark(name, box, difficult=difficult)  # type: ignore[arg-type]
