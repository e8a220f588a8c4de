"""Captions on disk: a table, the token files of Flickr8k and Flickr30k, the JSON of COCO.

captions.tsv                      split, image, caption: any of these headings
Flickr8k.token.txt                NAME.jpg#0<TAB>a sentence
Flickr_8k.trainImages.txt, ...    a name a line: the splits, beside it
captions_train2017.json           COCO (Chen et al. 2015): images, annotations with a caption
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from striate.data.captions import LONG, Captions, LongCaption
from striate.data.cells import read_cells
from striate.data.coco import Ids, plain_id
from striate.data.dataset import Dataset, Files, LeftOut
from striate.data.headings import HEADINGS, normal
from striate.data.markup import NotReadable, read_json, text_of
from striate.data.names import counted, printable, quoted, words_of
from striate.data.places import Missed, Pictures
from striate.data.remembering import remembered
from striate.data.roles import SPLIT_WORDS, split_of_cell
from striate.data.sniffing import holds, start_of
from striate.data.splits import TRAIN
from striate.data.walking import walk
from striate.errors import DataError, UserError
from striate.files import read_bytes
from striate.images import SUFFIXES
from striate.texts.caption_words import caption_words

TABLES = (".tsv", ".csv", ".txt", ".jsonl", ".ndjson")
IMAGE = (*(name for name in HEADINGS["path"] if name != "id"), "image_name")
CAPTION = ("caption", "captions", "comment", "sentence", "description", "caption text", "text")
TOKEN = re.compile(r"(?P<image>[^\t#]+\.\w+)#\d+\t(?P<caption>.*)")
OF_SPLITS = re.compile(r".*?[_.]?(?P<split>train|dev|val|test)images\.txt", re.IGNORECASE)
NEEDED = (b'"images"', b'"annotations"', b'"caption"')
LARGEST = 2**30  # bytes of a file of lines
FIRST = 5  # lines of which one tells a token file
WIDEST = 100_000  # letters of a caption that are read
EXPECTED = (
    "expected a table (.tsv, .csv) with the columns image and caption, Flickr8k.token.txt, or "
    "COCO's captions_train2017.json, with the pictures beside it or below"
)


@dataclass
class Found:
    """What files say, before pictures are looked for.

    Attributes:
        captions: of each name of an image, as it is written.
        splits: of those for which a split is told.
        astray: names that stand in more than one split.
        empty: of each name, how many captions have no word.
        bare: names of images that a file lists without a caption.
    """

    captions: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    astray: set[str] = field(default_factory=set)
    empty: Counter[str] = field(default_factory=Counter)
    bare: set[str] = field(default_factory=set)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, image: str, caption: str, split: int | None) -> None:
        """A line; that without a word is counted."""
        text = " ".join(caption[:WIDEST].split())
        if caption_words(text):
            self.captions.setdefault(image, []).append(text)
        else:
            self.empty[image] += 1
        if split is not None:
            self.put(image, split)

    def put(self, image: str, split: int) -> None:
        """The split of an image; of several the last, so that nothing is learned that is scored."""
        told = self.splits.setdefault(image, split)
        if told != split:
            self.astray.add(image)
            self.splits[image] = max(told, split)


def is_captioned(path: Path) -> bool:
    """Whether a path is a file of captions, or a folder that holds one."""
    return any(_files(path))


def open_captioned(path: Path, *, seed: int) -> Dataset[Captions]:
    """The pictures of a file, or of those in a folder, with their captions.

    Raises:
        DataError: if none of the pictures is there, or none has a caption.
    """
    found = Found()
    tables, tokens, jsons = _files(path)
    for file in tables:
        _read_table(file, found)
    for file in tokens:
        _read_tokens(file, found)
    for file in jsons:
        _read_coco(file, found)
    root = path if path.is_dir() else path.parent
    return _dataset(path, root, found, seed)


def _files(path: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """The tables, token files and JSON files that a path is, or that lie in it or two below."""
    if path.is_dir():
        files = [
            file
            for suffix in (*TABLES, ".json")
            for depth in ("", "*/", "*/*/")
            for file in sorted(path.glob(f"{depth}*{suffix}"))
            if not file.name.startswith(".")
        ]
    else:
        files = [path]
    return remembered(("captions", path), lambda: _sorted(files))


def _sorted(files: Sequence[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    text = [file for file in files if file.suffix.lower() in TABLES]
    tokens = [file for file in text if _is_tokens(file)]
    return (
        [file for file in text if file not in tokens and _is_table(file)],
        # Flickr8k.lemma.token.txt holds the same sentences once more.
        [file for file in tokens if len(tokens) == 1 or "lemma" not in file.name.lower()],
        [file for file in files if file.suffix.lower() == ".json" and holds(file, *NEEDED)],
    )


# Tables


def _columns(headings: Sequence[str]) -> tuple[int, int, int]:
    """Which columns hold image, caption and split; -1 where none does."""
    heads = [normal(heading) for heading in headings]
    image, caption, split = (
        next((heads.index(name) for name in names if name in heads), -1)
        for names in (IMAGE, CAPTION, HEADINGS["split"])
    )
    return image, caption, split


def _is_table(path: Path) -> bool:
    try:
        cells = read_cells(path, start_of(path), whole=False)
    except DataError:
        return False
    if not cells.rows:
        return False
    headings = cells.rows[0][1]
    image, caption, _ = _columns(headings)
    if min(image, caption) < 0:
        return False
    if normal(headings[caption]) != "text":
        return True
    # so are texts and recordings headed, too: it is one of pictures where it names pictures
    named = [row[image] for _, row in cells.rows[1:] if image < len(row)]
    return bool(named) and all(Path(one.strip()).suffix.lower() in SUFFIXES for one in named)


def _read_table(path: Path, found: Found) -> None:
    cells = read_cells(path)
    found.notes += cells.notes
    found.left_out += [LeftOut(f"{path.name}:{number}", why) for number, why in cells.damaged]
    columns = _columns(cells.rows[0][1])
    last = len(cells.rows[0][1]) - 1
    for number, row in cells.rows[1:]:
        if surplus := cells.surplus(row):
            if columns[1] != last:
                found.left_out.append(LeftOut(f"{path.name}:{number}", surplus))
                continue
            row[last:] = [str(cells.separator).join(row[last:])]
        image, caption, split = (
            row[place].strip() if 0 <= place < len(row) else "" for place in columns
        )
        if image:
            found.add(image, caption, split_of_cell(split))
        else:
            found.left_out.append(LeftOut(f"{path.name}:{number}", "names no image"))


# Flickr8k


def _is_tokens(path: Path) -> bool:
    lines = text_of(start_of(path))[0].splitlines()[:FIRST]
    return any(map(TOKEN.fullmatch, lines))


def _read_tokens(path: Path, found: Found) -> None:
    for number, line in enumerate(_lines(path), 1):
        match = TOKEN.fullmatch(line)
        if match is not None:
            found.add(match["image"].strip(), match["caption"], None)
        elif line.strip():
            found.left_out.append(LeftOut(f"{path.name}:{number}", "is not NAME.jpg#0<tab>caption"))
    for file in sorted(path.parent.glob("*.txt")):
        if told := OF_SPLITS.fullmatch(file.name):
            names = [line.strip() for line in _lines(file) if line.strip()]
            for name in names:
                found.put(name, SPLIT_WORDS[told["split"].lower()])
            found.bare |= set(names) - found.captions.keys()


def _lines(path: Path) -> Iterator[str]:
    try:
        return iter(text_of(read_bytes(path, limit=LARGEST))[0].splitlines())
    except UserError as error:
        raise DataError(str(error)) from error


# COCO


def _read_coco(file: Path, found: Found) -> None:
    try:
        table = read_json(file)
    except NotReadable as error:
        raise DataError(f"{file}: {error}") from error
    images, told = (table.get(k) if isinstance(table, dict) else None
                    for k in ("images", "annotations"))  # fmt: skip
    if not isinstance(images, list) or not isinstance(told, list):
        raise DataError(f"{file}: not COCO's captions: it has no lists of images and annotations")
    known = [one for one in images if isinstance(one, dict)]
    names = Ids((one.get("id"), str(one.get("file_name", "")).strip()) for one in known)
    told_splits = {SPLIT_WORDS[word] for word in words_of(file.stem) if word in SPLIT_WORDS}
    split = told_splits.pop() if len(told_splits) == 1 else None
    lost = 0
    for one in told:
        name = names.get(one.get("image_id")) if isinstance(one, dict) else None
        if not name:
            lost += 1
        else:
            found.add(name, str(one.get("caption") or ""), split)
    listed = {str(names.get(plain_id(one.get("id")))) for one in known if names.get(one.get("id"))}
    found.bare |= listed - found.captions.keys() - found.empty.keys()
    if lost:
        found.left_out.append(LeftOut(file.name, f"{counted(lost, 'caption')} of no image in it"))


# All of them


def _dataset(path: Path, root: Path, found: Found, seed: int) -> Dataset[Captions]:
    folder = walk(root)
    pictures = Pictures(folder)
    left_out = [*folder.left_out, *found.left_out]
    for image, empty in found.empty.items():
        why = f"{counted(empty, 'caption')} without a word"
        alone = "" if image in found.captions else ", so it is not used"
        left_out.append(LeftOut(printable(image), why + alone))
    left_out += [LeftOut(printable(one), "has no caption") for one in sorted(found.bare)]
    names = list(found.captions)
    places = pictures.join((name, ()) for name in names)
    rows: list[tuple[int, str, tuple[str, ...]]] = []
    doubts: list[LongCaption] = []
    missing: list[str] = []
    for name, place in zip(names, places, strict=True):
        sentences = found.captions[name]
        if isinstance(place, Missed):
            count = counted(len(sentences), "caption")
            left_out.append(LeftOut(printable(name), f"{place.reason}; {count}"))
            missing.append(name)
            continue
        rows.append((found.splits.get(name, TRAIN), place, tuple(sentences)))
        doubts += [
            LongCaption(printable(place), words)
            for words in (len(caption_words(one)) for one in sentences)
            if words > LONG
        ]
    if not rows:
        why = f" ({left_out[-1].name}: {left_out[-1].reason})" if left_out else ""
        raise DataError(f"{path}: no picture with a caption is there{why}; {EXPECTED}")
    rows.sort()
    notes = list(found.notes)
    if missing:
        notes.append(
            f"{counted(len(missing), 'image')} with captions not there: {quoted(missing, most=3)}"
        )
    if found.astray:
        notes.append(
            f"{counted(len(found.astray), 'image')} in several splits, used in the last of them "
            f"(training, validation, test) alone: {quoted(sorted(found.astray), most=3)}"
        )
    spare = pictures.paths.keys() - {place for _, place, _ in rows}
    if spare:
        notes.append(
            f"{counted(len(spare), 'image')} without a caption, not used: {quoted(spare, most=2)}"
        )
    return Dataset(
        path.stem if path.is_file() else path.resolve().name,
        Files([place for _, place, _ in rows], root),
        Captions(tuple(sentences for _, _, sentences in rows), tuple(doubts)),
        np.array([split for split, _, _ in rows], np.int8),
        left_out=tuple(left_out),
        notes=tuple(notes),
    ).complete(seed)
