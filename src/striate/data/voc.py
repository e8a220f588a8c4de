"""PASCAL VOC (Everingham et al. 2010): one XML file an image, and perhaps lists of names as splits.

Annotations/NAME.xml   JPEGImages/NAME.jpg   ImageSets/Main/train.txt, val.txt, test.txt
NAME.jpg   NAME.xml                          as labelImg writes them, each beside its image
train/, valid/, test/                        of such, as Roboflow exports them
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from striate import progress
from striate.data.boxes import Boxes, Mark
from striate.data.dataset import Dataset
from striate.data.frames import claimed
from striate.data.marked import Found, Marked, assembled, in_folders, listed
from striate.data.markup import NotReadable, read_xml, text_of, word
from striate.data.names import counted, quoted, stem_of
from striate.data.places import NO_FILE, Missed, Pictures, key_of, parts_of
from striate.data.roles import role
from striate.data.sniffing import some_of, starts_with_tag
from striate.data.splits import TRAIN
from striate.data.walking import Folder, Place, walk
from striate.errors import UserError
from striate.files import read_bytes

MAX_BYTES = 4 * 2**20  # of one annotation
MAX_LIST = 64 * 2**20
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
    trees = list(_trees(root, folder.marking(".xml"), found))
    found.pictures += _joined(trees, pictures, found)
    marked = {row.picture for row in found.pictures}
    for path in sorted(pictures.paths.keys() - marked):
        found.leave(path, "has no annotation")
    found.pictures = _in_splits(root, folder, found)
    return assembled(root, found, seed=seed, name=name)


def _inner(root: Path) -> Path:
    """The folder that holds `Annotations`: this one, or the only one below that does."""
    if (root / ANNOTATIONS).is_dir():
        return root
    inner = [each.parent for each in sorted(root.glob(f"*/{ANNOTATIONS}")) if each.is_dir()]
    return inner[0] if len(inner) == 1 else root


def _trees(root: Path, files: Sequence[str], found: Found) -> Iterator[tuple[str, Element]]:
    """The annotations, with their places below the root."""
    for file in progress.track(files, "read annotations"):
        try:
            tree = read_xml(root / file, limit=MAX_BYTES)
            if tree.tag != "annotation":
                raise NotReadable(f"is not an annotation of VOC: it is a <{tree.tag[:40]}>")
        except NotReadable as error:
            found.leave(file, str(error))
        else:
            yield file, tree


def _joined(
    trees: Sequence[tuple[str, Element]], pictures: Pictures, found: Found
) -> Iterator[Marked]:
    """Every annotation with the picture that it means."""
    annotated = {key_of(stem_of(file.rpartition("/")[2][: -len(".xml")])) for file, _ in trees}
    beside: dict[Place, list[Place]] = {}
    for file, tree in trees:
        place = tuple(file.split("/")[:-1])
        near = beside.setdefault(place, _near(place))
        picture = _picture(tree, file, annotated, pictures, near)
        if isinstance(picture, Missed):
            found.leave(file, picture.reason)
            continue
        marks = list(_marks(tree, file, found))
        size = claimed(word(tree, "size/height"), word(tree, "size/width"))
        yield Marked(picture, marks, size, from_one=True, source=file)


def _near(place: Place) -> list[Place]:
    """Where the pictures of annotations in a folder may lie: beside them, or in a folder beside."""
    found = [place]
    for depth in range(len(place), 0, -1):
        around, inside = place[: depth - 1], place[depth:]
        found += [(*around, each, *inside) for each in PICTURES]
    return [*found, *((each,) for each in PICTURES), ()]


def _picture(
    tree: Element,
    file: str,
    annotated: set[str],
    pictures: Pictures,
    near: Sequence[Place],
) -> str | Missed:
    """The picture of an annotation: that of its own name, of several the one that its <filename>
    says; or, where there is none of its name, the one of that name."""
    own = file.rpartition("/")[2][: -len(".xml")]
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
        name = word(thing, "name")
        sides = [word(thing, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        reason = "" if name else "has no name"
        try:
            box = tuple(float(side) for side in sides)
            if not all(math.isfinite(value) and abs(value) < 1e6 for value in box):
                reason = f"has a box that no image holds: {', '.join(sides)[:100]}"
        except ValueError:
            reason = "has no box" if not any(sides) else f"has a box of {', '.join(sides)[:100]!r}"
        if reason:
            found.leave(f"{file}, object {number}", reason)
        else:
            difficult = word(thing, "difficult").lower() in ("1", "true")
            yield Mark(name, box, difficult=difficult)  # type: ignore[arg-type]


def _in_splits(root: Path, folder: Folder, found: Found) -> list[Marked]:
    """The rows in the splits of lists, or of folders."""
    lists = _lists(root, folder, found)
    if lists:
        return listed(found.pictures, lists, "ImageSets", found.notes)
    return in_folders(found.pictures, found.notes)


def _lists(root: Path, folder: Folder, found: Found) -> dict[int, set[str]]:
    """The pictures of each split that lists name: of `trainval` those that no other list has."""
    names = [
        "/".join((*place, name))
        for place, files in folder.marks.items()
        for name in files
        if name.lower().endswith(".txt") and _holds_lists(place) and _list_role(name) is not None
    ]
    by_name = _rows_by_name(found.pictures)
    lists: dict[int, set[str]] = {}
    later: set[str] = set()
    for path in sorted(names):
        rows, missing = _read_list(root / path, by_name)
        if missing:
            found.notes.append(
                f"{path} names {counted(len(missing), 'image')} without annotation: "
                f"{quoted(missing, most=2)}"
            )
        if "trainval" in path.rpartition("/")[2].lower():
            later |= rows
        elif rows:
            lists.setdefault(_list_role(path.rpartition("/")[2]) or TRAIN, set()).update(rows)
    known = set().union(*lists.values())
    if later - known:
        lists.setdefault(TRAIN, set()).update(later - known)
    return lists


def _holds_lists(place: Place) -> bool:
    words = [part.lower() for part in place]
    return not words or words[-1] in ("main", "imagesets", "splits", "lists", "layout")


def _list_role(name: str) -> int | None:
    stem = name[: -len(".txt")]
    return role(stem, file=True) if "_" not in stem else None  # `dog_train.txt` is of one class


def _rows_by_name(rows: Iterable[Marked]) -> dict[str, str]:
    """The pictures by every name that a list may have for them."""
    found: dict[str, str] = {}
    for row in rows:
        for path in (row.picture, row.source):
            name = path.rpartition("/")[2]
            stem = name[:-4] if path is row.source and name.lower().endswith(".xml") else name
            for form in (*_forms(path), *_forms(stem)):
                found.setdefault(form, row.picture)
    return found


def _read_list(path: Path, by_name: dict[str, str]) -> tuple[set[str], list[str]]:
    try:
        text, _ = text_of(read_bytes(path, limit=MAX_LIST))
    except UserError as error:
        return set(), [str(error)]
    rows, missing = set(), []
    for line in filter(None, map(str.strip, text.split("\n"))):
        row = next(
            (
                by_name[form]
                for name in (line, line.rsplit(maxsplit=1)[0], line.split()[0])  # `000005 -1`
                for form in _forms("/".join(parts_of(name)))
                if form in by_name
            ),
            None,
        )
        if row is None:
            missing.append(line)
        else:
            rows.add(row)
    return rows, missing


def _forms(path: str) -> tuple[str, ...]:
    """A path in the forms in which lists and annotations name one picture."""
    name = path.rpartition("/")[2]
    return key_of(path), key_of(name), key_of(stem_of(name))
