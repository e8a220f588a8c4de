"""One word opens anything that can be learned from: `striate.data.open("photos/")`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from striate.data import cifar, idx
from striate.data.box_lists import is_box_list, open_box_list
from striate.data.catalog import CATALOG, open_named
from striate.data.coco import is_coco, open_coco
from striate.data.coco_masks import is_outlined, open_coco_masks
from striate.data.coco_points import is_pointed, is_pointed_only, open_coco_points
from striate.data.cvat import find_cvat, open_cvat
from striate.data.dataset import Dataset
from striate.data.depth import leveled
from striate.data.folders import EXPECTED, open_folders
from striate.data.labeling import PROGRAMS, Program, find, open_labeled
from striate.data.lists import is_list, open_list
from striate.data.mask_files import open_masks
from striate.data.mask_pairs import is_masked, is_masked_badly, is_masked_only
from striate.data.people_files import is_pairs, open_pairs, open_people
from striate.data.point_lists import is_point_table, open_point_table
from striate.data.remembering import once
from striate.data.tag_lists import is_tag_list, open_tag_list
from striate.data.text_folders import is_text_folder, open_text_folder
from striate.data.text_tables import (
    is_text_parts,
    is_text_table,
    open_text_parts,
    open_text_table,
)
from striate.data.unmarked import is_unmarked, open_unmarked
from striate.data.voc import is_voc, open_voc
from striate.data.yolo import is_yolo, open_yolo
from striate.errors import DataError, UnknownName
from striate.images import SUFFIXES

ARCHIVES = (".tar.gz", ".tgz", ".tar")


class Opener(Protocol):
    """Opens what a reader matches."""

    def __call__(self, path: Path, /, *, seed: int) -> Dataset:
        """The dataset; what it lacks of splits is drawn with this seed."""


@dataclass(frozen=True)
class Reader:
    """A form of data on disk.

    Attributes:
        name: what people call it: "PASCAL VOC (Annotations/)".
        kind: of the targets it gives: `Targets.kind`.
        matches: whether a file or folder, which exists, is of this form.
        open: opens one that matches.
        fallback: whether it is taken only where no other reader matches.
        thing: what one of its inputs is (`Inputs.thing`).
    """

    name: str
    kind: str
    matches: Callable[[Path], bool]
    open: Opener
    fallback: bool = False
    thing: str = "image"


def _idx_place(path: Path) -> Path | None:
    return next(
        (each for each in (path, path / "raw") if each.is_dir() and idx.find_idx(each)), None
    )


def _is_idx(path: Path) -> bool:
    if path.is_dir():
        return _idx_place(path) is not None
    return idx.FILE.fullmatch(path.name) is not None


def _open_idx(path: Path, *, seed: int) -> Dataset:
    if place := _idx_place(path):
        return idx.open_idx(place, seed=seed, name=path.resolve().name)
    return idx.open_idx(path.parent, seed=seed, only=path)


def _cifar_place(path: Path) -> Path | None:
    places = (path, path / "raw", path / "cifar-10-batches-bin")
    return next((each for each in places if each.is_dir() and cifar.is_cifar(each)), None)


def _is_cifar(path: Path) -> bool:
    if path.is_dir():
        return _cifar_place(path) is not None
    name = path.name.lower()
    return name.endswith(ARCHIVES) and "cifar" in name


def _open_cifar(path: Path, *, seed: int) -> Dataset:
    if place := _cifar_place(path):
        return cifar.open_cifar(place, seed=seed, name=path.resolve().name)
    return cifar.open_cifar(path, seed=seed)


def _is_cvat(path: Path) -> bool:
    return bool(find_cvat(path))


def _of_program(program: Program) -> Reader:
    return Reader(
        program.name,
        "boxes",
        lambda path: bool(find(path, program)),
        lambda path, *, seed: open_labeled(path, program, seed=seed),
    )


def _of_texts(name: str, matches: Callable[[Path], bool], opens: Opener) -> Reader:
    return Reader(name, "labels", matches, opens, thing="text")


READERS = (
    Reader("IDX files", "labels", _is_idx, _open_idx),
    Reader("CIFAR-10", "labels", _is_cifar, _open_cifar),
    Reader("CVAT for images (.xml)", "boxes", _is_cvat, open_cvat),
    Reader("PASCAL VOC (.xml)", "boxes", is_voc, open_voc),
    Reader("COCO (.json)", "boxes", is_coco, open_coco),
    *map(_of_program, PROGRAMS),
    Reader("YOLO (data.yaml, .txt)", "boxes", is_yolo, open_yolo),
    Reader("a list of boxes (.csv)", "boxes", is_box_list, open_box_list),
    Reader("COCO key points (.json)", "points", is_pointed_only, open_coco_points),
    Reader("a table of points (.csv)", "points", is_point_table, open_point_table),
    Reader(
        "texts and labels (.tsv, .csv, .jsonl)",
        "labels",
        is_text_table,
        open_text_table,
        thing="text",
    ),
    Reader(
        "parts of texts (train.tsv, test.tsv)",
        "labels",
        is_text_parts,
        open_text_parts,
        thing="text",
    ),
    Reader("class folders of .txt files", "labels", is_text_folder, open_text_folder, thing="text"),
    Reader("a list of paths and several labels each (.csv)", "tags", is_tag_list, open_tag_list),
    Reader("pairs of persons' pictures (pairs.csv, pairs.txt)", "people", is_pairs, open_pairs),
    Reader("a list of paths and labels (.csv)", "labels", is_list, open_list, fallback=True),
    Reader("pictures with masks (images/, masks/)", "masks", is_masked_only, open_masks),
    Reader(
        "pictures with masks (images/, masks/)",
        "masks",
        is_masked_badly,
        open_masks,
        fallback=True,
    ),
    Reader("class folders", "labels", Path.is_dir, open_folders, fallback=True),
    # Where boxes or classes are marked, too, points and masks are read if they are asked for.
    Reader("COCO with key points (.json)", "points", is_pointed, open_coco_points, fallback=True),
    Reader("COCO with outlines (.json)", "masks", is_outlined, open_coco_masks, fallback=True),
    Reader("masks beside pictures", "masks", is_masked, open_masks, fallback=True),
    Reader("a folder for each person", "people", Path.is_dir, open_people, fallback=True),
)
"""Every form that is read, in the order of precedence."""

UNMARKED = Reader("pictures in a folder", "unmarked", is_unmarked, open_unmarked, fallback=True)
"""For whoever needs no marks: nearly every folder holds some pictures."""


def open(
    path_or_name: str | os.PathLike[str],
    *,
    seed: int = 0,
    kinds: Sequence[str] | None = None,
    things: Sequence[str] | None = None,
    readers: Sequence[Reader] = READERS,
    learn: bool = True,
) -> Dataset:
    """A dataset from class folders, a CSV list, IDX files, CIFAR-10, PASCAL VOC, COCO, or by its
    catalog name.

    A name of the catalog is that set; `./digits` is the folder of the same name. Splits that the
    folder does not have are drawn: a fifth of all inputs for the test, a fifth of the rest for the
    validation, stratified, the same for the same seed.

    Args:
        kinds: the kinds of targets wanted ("labels", "boxes"); any where None.
        things: the kinds of inputs wanted ("image", "text"); any where None.
        readers: the forms of data that are read, in the order of precedence.
        learn: whether it is to be learned from; what is only scored needs no training split, and
            may hold one class alone.

    Raises:
        UnknownName: if it is neither a path here nor a name of the catalog.
        DataError: if there is nothing to learn from, or no targets of these kinds; it says what is
            expected.
    """
    word = os.fspath(path_or_name)
    if not word or "\0" in word:
        raise DataError(f"{word!r} is not a path; expected a folder, a list or a name")
    path = Path(word).expanduser()
    if isinstance(path_or_name, str) and word in CATALOG:
        data: Dataset = open_named(word, seed=seed)
        expected = _expected(readers, kinds, things)
        if kinds is not None and data.targets.kind not in kinds:
            raise DataError(f"{word}: {expected}; it has {data.targets.kind}")
        if things is not None and data.thing not in things:
            raise DataError(f"{word}: {expected}; it has {data.thing}s")
    elif path.exists():
        try:
            with once():
                data = _reader(path, kinds, things, readers).open(path, seed=seed)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    elif os.sep in word or path.suffix:
        raise DataError(f"{word}: no such folder or file")
    else:
        raise UnknownName("folder or data set", word, CATALOG)
    return leveled(data.learnable(word)) if learn else data


def _reader(
    path: Path,
    kinds: Sequence[str] | None,
    things: Sequence[str] | None,
    readers: Sequence[Reader],
) -> Reader:
    """The reader to open a path with.

    Raises:
        DataError: if there is none, or if two would give different inputs or targets.
    """
    wanted = [each for each in readers if _is_wanted(each, kinds, things)]
    found = [each for each in wanted if not each.fallback and each.matches(path)]
    for other in found[1:]:
        if (other.thing, other.kind) != (found[0].thing, found[0].kind):
            raise DataError(
                f"{path} can be read as {found[0].name} with {found[0].kind} and as {other.name} "
                f"with {other.kind}; choose with --task"
            )
    found += [each for each in wanted if each.fallback and not found and each.matches(path)]
    if found:
        return found[0]
    if kinds is not None or things is not None:
        others = [each for each in readers if each not in wanted]
        others = [each for each in others if path.is_file() or not each.fallback]
        there = next((each for each in others if each.matches(path)), None)
        what = f"{path} is {there.name} with {there.kind}" if there else f"{path} is none of these"
        raise DataError(f"{_expected(readers, kinds, things)}; {what}")
    name = path.name.lower()
    if name.endswith((".zip", *ARCHIVES)):
        raise DataError(f"{path}: an archive; unpack it and open the folder")
    if path.suffix.lower() in SUFFIXES:
        raise DataError(f"{path}: one image; expected {EXPECTED}")
    raise DataError(f"{path}: not a folder, a list (.csv) or an IDX file")


def _is_wanted(reader: Reader, kinds: Sequence[str] | None, things: Sequence[str] | None) -> bool:
    return (kinds is None or reader.kind in kinds) and (things is None or reader.thing in things)


def _expected(
    readers: Sequence[Reader], kinds: Sequence[str] | None, things: Sequence[str] | None
) -> str:
    fitting = [each for each in readers if _is_wanted(each, kinds, things)]
    names = ", ".join(dict.fromkeys(each.name for each in fitting))
    what = " or ".join(kinds or [f"{thing}s" for thing in things or ()])
    return f"expected {what}, which are read from {names or 'nothing'}"
