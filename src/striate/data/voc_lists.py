"""The lists of names beside VOC annotations: `ImageSets/Main/train.txt` and its kind."""

from collections.abc import Iterable
from pathlib import Path

from striate.data.marked import Found, Marked, in_folders, listed
from striate.data.markup import text_of
from striate.data.names import counted, quoted, stem_of
from striate.data.places import key_of, parts_of
from striate.data.roles import role
from striate.data.splits import TRAIN
from striate.data.walking import Folder, Place
from striate.errors import UserError
from striate.files import read_bytes

MAX_LIST = 64 * 2**20
# Folders of lists.
HOLDING = ("main", "imagesets", "splits", "lists", "layout", "segmentation", "annotations")


def in_splits(root: Path, folder: Folder, found: Found) -> list[Marked]:
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
    return not place or place[-1].lower() in HOLDING


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
