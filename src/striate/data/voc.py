"""PASCAL VOC folders (Everingham et al. 2010): one XML file an image, lists of names as splits.

Annotations/NAME.xml   JPEGImages/NAME.jpg   ImageSets/Main/train.txt, val.txt, test.txt
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from striate import progress
from striate.data.boxes import BoxedDataset, Doubt, Mark, Objects, largest, mended
from striate.data.dataset import ASIDE, TEST, TRAIN, VALIDATION, Files, LeftOut
from striate.errors import DataError, UserError
from striate.files import read_bytes
from striate.images import SUFFIXES

ANNOTATIONS, PICTURES, LISTS = "Annotations", "JPEGImages", "ImageSets/Main"
SPLIT_LISTS = (("train", TRAIN), ("val", VALIDATION), ("test", TEST))
MAX_BYTES = 16 * 2**20  # of one annotation


class NotAnAnnotation(Exception):
    """Why an XML file cannot be used; the text is the reason, without the path."""


def find_voc(root: Path) -> Path | None:
    """The folder that holds `Annotations`: this one, or the only one below that does."""
    if (root / ANNOTATIONS).is_dir():
        return root
    inner = [each.parent for each in sorted(root.glob(f"*/{ANNOTATIONS}")) if each.is_dir()]
    return inner[0] if len(inner) == 1 else None


def open_voc(root: Path, *, seed: int = 0, name: str | None = None) -> BoxedDataset:
    """The images and boxes of a VOC folder.

    The lists of `ImageSets/Main` are the splits; an image on none of them is in no split. Without
    lists, and where they name no validation or test images, striate draws those.

    Raises:
        DataError: if nothing is marked there.
    """
    files = sorted((root / ANNOTATIONS).glob("*.xml"))
    pictures = {
        path.stem: path
        for folder in (root / PICTURES, root / ANNOTATIONS)
        if folder.is_dir()
        for path in sorted(folder.iterdir(), reverse=True)
        if path.suffix.lower() in SUFFIXES
    }
    left_out: list[LeftOut] = []
    rows: list[tuple[Path, list[Mark], tuple[int, int]]] = []
    for path in progress.track(files, "read annotations"):
        try:
            tree = parse(read_bytes(path, limit=MAX_BYTES))
            picture = pictures.get(path.stem) or pictures.get(Path(text(tree, "filename")).stem)
            if picture is None:
                raise NotAnAnnotation("has no image of its name")
            rows.append((picture, marks_of(tree), size_of(tree, picture)))
        except (NotAnAnnotation, UserError) as error:
            left_out.append(LeftOut(f"{ANNOTATIONS}/{path.name}", str(error)))
    marked = {picture for picture, _, _ in rows}
    left_out += [
        LeftOut(str(path.relative_to(root)), "has no annotation")
        for path in sorted(set(pictures.values()) - marked)
    ]
    classes = tuple(sorted({mark.name for _, marks, _ in rows for mark in marks}))
    if not classes:
        why = f": {left_out[0].name} {left_out[0].reason}" if left_out else ""
        raise DataError(f"{root}: no object is marked in {len(files)} annotations{why}")
    numbers = {word: number for number, word in enumerate(classes)}
    objects: list[Objects] = []
    doubts: list[Doubt] = []
    for picture, marks, size in rows:
        some, wrong = mended(marks, numbers, size, str(picture.relative_to(root)))
        objects.append(some)
        doubts += wrong
    split, notes = splits_of(root, [picture.stem for picture, _, _ in rows])
    data = BoxedDataset(
        name=name or root.resolve().name,
        classes=classes,
        images=Files([str(picture.relative_to(root)) for picture, _, _ in rows], root),
        targets=largest(objects, len(classes)),
        split=split,
        left_out=tuple(left_out),
        notes=tuple(notes),
        objects=tuple(objects),
        sizes=np.array([size for _, _, size in rows], np.int64).reshape(-1, 2),
        doubts=tuple(doubts),
    )
    completed = data.complete(seed)
    assert isinstance(completed, BoxedDataset)
    return completed


def splits_of(root: Path, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(N,) the split of each image by the lists, all of them to learn from where there is none."""
    lists = [(root / LISTS / f"{word}.txt", split) for word, split in SPLIT_LISTS]
    if not any(path.is_file() for path, _ in lists):
        return np.full(len(names), TRAIN, np.int8), []
    split = np.full(len(names), ASIDE, np.int8)
    row_of = {name: row for row, name in enumerate(names)}
    notes = []
    for path, number in lists:
        if not path.is_file():
            continue
        listed = read_bytes(path, limit=MAX_BYTES).decode("utf-8", "replace").split("\n")
        words = [line.split()[0] for line in listed if line.split()]
        rows = [row_of[word] for word in words if word in row_of]
        split[rows] = number
        if missing := [word for word in words if word not in row_of]:
            notes.append(f"{path.name} names {len(missing)} without annotation: {missing[0]}...")
    if alone := int((split == ASIDE).sum()):
        notes.append(f"{alone} images are on no list of {LISTS} and in no split")
    return split, notes


def parse(data: bytes) -> Element:
    """The tree of an XML file without a document type.

    Entities are what XML attacks are made of, and annotations have none: a file that declares a
    document type is refused before anything is expanded.

    Raises:
        NotAnAnnotation: if it has one, or is no XML.
    """
    builder, parser = TreeBuilder(), expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise NotAnAnnotation("declares a document type (entities): refused")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, UnicodeDecodeError, LookupError, ValueError) as error:
        raise NotAnAnnotation(f"is no XML ({error})") from error
    return builder.close()


def text(tree: Element, place: str) -> str:
    """The words of an element, "" where there is none."""
    return (tree.findtext(place) or "").strip()


def marks_of(tree: Element) -> list[Mark]:
    """Every object of an annotation. VOC counts pixels from 1 and includes the last: the edges are
    xmin - 1 and xmax; a 0, which some programs write, is the edge of the image."""
    marks = []
    for thing in tree.iter("object"):
        try:
            x0, y0, x1, y1 = (
                float(text(thing, f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")
            )
        except ValueError as error:
            raise NotAnAnnotation(f"has a box that is no four numbers ({error})") from error
        if not all(abs(value) < 1e6 for value in (x0, y0, x1, y1)):
            raise NotAnAnnotation(f"has a box that no image holds: {x0, y0, x1, y1}")
        if not (name := text(thing, "name")):
            raise NotAnAnnotation("has an object without a name")
        corner = (x0 - 1 if x0 else x0, y0 - 1 if y0 else y0)
        marks.append(Mark(name, (*corner, x1, y1), difficult=text(thing, "difficult") == "1"))
    return marks


def size_of(tree: Element, picture: Path) -> tuple[int, int]:
    """Height and width as the annotation says, or the image where that is silent."""
    try:
        size = int(text(tree, "size/height")), int(text(tree, "size/width"))
    except ValueError:
        size = (0, 0)
    return size if min(size) > 0 else picture_size(picture)


def picture_size(picture: Path) -> tuple[int, int]:
    """Height and width that the first bytes of an image promise."""
    from PIL import Image

    try:
        with Image.open(picture) as image:
            return image.height, image.width
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise NotAnAnnotation(f"is about an image that cannot be read ({error})") from error
