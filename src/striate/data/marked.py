"""Pictures and their boxes, as readers of all formats find them, made a dataset by one rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from striate import progress
from striate.data.boxes import Boxes, Doubt, Mark, Objects, mended
from striate.data.dataset import Dataset, Files, LeftOut
from striate.data.frames import Labeled, Size, fitted
from striate.data.names import alike_but_for_case, canonical, counted, printable, quoted
from striate.data.roles import roles
from striate.data.splits import ASIDE, TRAIN
from striate.errors import DataError, ImageError
from striate.images.frames import frame_of

NAMED = 5  # of many entries without a picture, those that are left out by name


@dataclass(frozen=True)
class Marked:
    """A picture and what is marked in it.

    Attributes:
        picture: its path below the root.
        marks: their boxes as the file has them, edges in pixels or fractions.
        size: height and width that the label claims; None where it claims none.
        fractions: True or False where the format says so; None where the numbers must tell.
        from_one: whether pixels are counted from 1, as in VOC.
        source: the file with the label, below the root.
    """

    picture: str
    marks: Sequence[Mark]
    size: Size | None = None
    split: int = TRAIN
    fractions: bool | None = None
    from_one: bool = False
    source: str = ""


@dataclass
class Found:
    """What a reader found."""

    pictures: list[Marked] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def leave(self, name: str, reason: str) -> None:
        """Leaves out an entry, by name."""
        self.left_out.append(LeftOut(printable(name), reason))

    def leave_many(self, names: Sequence[str], what: str, where: str, reason: str) -> None:
        """Leaves out entries: a few by name, the others by number.

        Args:
            what: "annotation".
            where: the file that they stand in.
        """
        for name in names[:NAMED]:
            self.leave(f"{where}: {what} {name}", reason)
        if (more := len(names) - NAMED) > 0:
            self.leave(f"{where}: {counted(more, f'more {what}')}", reason)


def assembled(
    root: Path,
    found: Found,
    *,
    seed: int,
    name: str | None = None,
    classes: Sequence[str] | None = None,
) -> Dataset[Boxes]:
    """The dataset of what was found.

    Boxes are brought into the frames of the pictures, which are read from their headers; a picture
    that stands in it twice counts once.

    Args:
        classes: their names in order; where None, the words that marks have.

    Raises:
        DataError: if nothing is marked.
    """
    rows = once(found)
    frames = []
    kept: list[Marked] = []
    for row in progress.track(rows, "read sizes"):
        try:
            frames.append(frame_of(f"{root}/{row.picture}"))
        except ImageError as error:
            found.leave(row.picture, str(error))
        else:
            kept.append(row)
    labels = [
        Labeled([mark.box for mark in row.marks], row.size, row.fractions, row.from_one)
        for row in kept
    ]
    placed, notes = fitted(labels, frames)
    words = tuple(classes) if classes else _classes(kept, found.notes)
    if not any(row.marks for row in kept):
        why = f": {found.left_out[0].name}: {found.left_out[0].reason}" if found.left_out else ""
        raise DataError(f"{root}: no object is marked{why}")
    numbers = {word: number for number, word in enumerate(words)}
    for row in kept:
        for mark in row.marks:
            if mark.name not in numbers:  # decomposed, or with blanks around it
                numbers[mark.name] = numbers[canonical(mark.name)]
    objects: list[Objects] = []
    doubts: list[Doubt] = []
    good = []
    for place, (row, fit, frame) in enumerate(zip(kept, placed, frames, strict=True)):
        if fit.why:
            found.leave(row.picture, fit.why)
            continue
        name_of = printable(row.picture)
        some, wrong = mended(row.marks, numbers, frame[:2], name_of, fit.boxes)
        objects.append(some)
        doubts += wrong
        good.append(place)
    if not good:
        raise DataError(f"{root}: no image is left: {found.left_out[-1].reason}")
    data = Dataset(
        name=name or root.resolve().name,
        inputs=Files([kept[place].picture for place in good], root),
        targets=Boxes(
            words,
            tuple(objects),
            np.array([frames[place][:2] for place in good], np.int64).reshape(-1, 2),
            tuple(doubts),
        ),
        split=np.array([kept[place].split for place in good], np.int8),
        left_out=tuple(found.left_out),
        notes=(*found.notes, *notes),
    )
    return data.complete(seed)


def once(found: Found) -> list[Marked]:
    """The pictures in their order, each once.

    One that has several labels is left out where they differ: nobody knows which is right. In
    several splits, it is kept where it is scored rather than where it is learned from.
    """
    rows: dict[str, Marked] = {}
    different: dict[str, list[str]] = {}
    moved = []
    for row in found.pictures:
        first = rows.setdefault(row.picture, row)
        if first is row:
            continue
        if list(row.marks) != list(first.marks):
            different.setdefault(row.picture, [first.source]).append(row.source)
        elif row.split != first.split:
            moved.append(row.picture)
            if row.split != ASIDE:
                rows[row.picture] = replace(first, split=max(row.split, first.split))
    for picture, sources in different.items():
        del rows[picture]
        places = quoted({each for each in sources if each}, most=3)
        found.leave(picture, f"is labeled {len(sources)} times, not alike: {places}")
    if moved:
        found.notes.append(
            f"{counted(len(moved), 'image')} in several splits ({quoted(moved, most=2)}): kept in "
            "the one that is scored, or chosen on"
        )
    return list(rows.values())


def _classes(rows: Iterable[Marked], notes: list[str]) -> tuple[str, ...]:
    """The names that marks have, and a note on those that differ in case alone."""
    words = sorted({canonical(mark.name) for row in rows for mark in row.marks})
    if note := alike_but_for_case(words):
        notes.append(note)
    return tuple(words)


def listed(
    rows: Sequence[Marked], lists: dict[int, set[str]], where: str, notes: list[str]
) -> list[Marked]:
    """The rows in the splits that lists of pictures name; those on no list are in no split.

    Args:
        lists: pictures by split.
        where: what people call the lists.
    """
    split_of: dict[str, int] = {}
    for split in sorted(lists):  # on two lists: where it is scored rather than learned from
        split_of |= dict.fromkeys(lists[split], split)
    several = sum(map(len, lists.values())) - len(split_of)
    if several:
        notes.append(
            f"{counted(several, 'image')} on several lists of {where}: in the split that is "
            "scored, or chosen on"
        )
    found = [replace(row, split=split_of.get(row.picture, ASIDE)) for row in rows]
    if alone := sum(row.split == ASIDE for row in found):
        notes.append(f"{counted(alone, 'image')} on no list of {where}, and in no split")
    return found


def in_folders(rows: Sequence[Marked], notes: list[str]) -> list[Marked]:
    """The rows in the splits that the folders of their labels or pictures say: `train/`, `valid/`.

    Where most are in such folders, the others are in no split.
    """
    parts = {
        row.picture: (*row.source.split("/")[:-1], *row.picture.split("/")[:-1]) for row in rows
    }
    named = roles(sorted({part for each in parts.values() for part in each}))
    if not named:
        return list(rows)
    split_of = {
        picture: next((named[part] for part in each if part in named), ASIDE)
        for picture, each in parts.items()
    }
    aside = sum(split == ASIDE for split in split_of.values())
    if 2 * aside > len(rows):
        return list(rows)
    if aside:
        notes.append(f"{counted(aside, 'image')} in no folder of a split, unlike {quoted(named)}")
    return [replace(row, split=split_of[row.picture]) for row in rows]
