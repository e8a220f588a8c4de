"""COCO's outlines as masks: polygons and run lengths, drawn over a background.

An object of which a box is all that is known is void there, where no outline covers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import progress
from striate.data.boxes import Mark
from striate.data.coco import find_coco, found_in, is_coco
from striate.data.dataset import Dataset, Files
from striate.data.marked import once
from striate.data.masks import MOST, VOID, MaskDoubt, Masks, digest
from striate.data.names import counted, printable
from striate.data.sniffing import holds
from striate.data.threads import each
from striate.errors import DataError, ImageError
from striate.images.frames import frame_of
from striate.ops.polygons import filled
from striate.ops.run_lengths import decoded, from_text

BACKGROUND = "background"


def is_outlined(root: Path) -> bool:
    """Whether a folder holds COCO's annotations with outlines."""
    return is_coco(root) and any(holds(root / file, b'"segmentation"') for file in find_coco(root))


@dataclass(frozen=True, eq=False)
class Outlined:
    """The outlines in one picture, by class number, in the order in which they are drawn."""

    size: tuple[int, int]
    shapes: tuple[tuple[int, Any], ...]

    def read(self) -> NDArray[np.uint8]:
        pixels = np.zeros(self.size, np.uint8)
        for number, shape in self.shapes:
            pixels[drawn(shape, *self.size)] = number
        return pixels


def drawn(shape: Any, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels (height, width) of a COCO `segmentation`.

    Raises:
        ValueError, TypeError, LookupError: if it is none of a picture of that size.
    """
    if isinstance(shape, dict):
        if not {"size", "counts"} <= shape.keys():
            raise ValueError("run lengths have no size or no counts")
        if list(shape["size"]) != [height, width]:
            raise ValueError(f"run lengths of {shape['size']}, the picture has {height, width}")
        counts = shape["counts"]
        return decoded(from_text(counts) if isinstance(counts, str) else counts, height, width)
    pixels = np.zeros((height, width), np.bool_)
    for polygon in shape:
        if len(polygon) % 2:
            raise ValueError(f"a polygon of {len(polygon)} numbers, which are no pairs of x and y")
        points = np.array(polygon, np.float64).reshape(-1, 2)
        if not np.isfinite(points).all():
            raise ValueError("a corner is not a number")
        pixels |= filled(points, height, width)
    return pixels


def open_coco_masks(root: Path, *, seed: int = 0, name: str | None = None) -> Dataset[Masks]:
    """The images of COCO files with their outlines as masks, the rest background, as are objects
    of a category of that name; the smaller of two objects lies on top.

    Raises:
        DataError: if no object has an outline, or there are too many categories.
    """
    found = found_in(root, shape="segmentation")
    rows = once(found)
    words = sorted({mark.name for row in rows for mark in row.marks if mark.shape is not None})
    if not words:
        raise DataError(f"{root}: no object has an outline; expected polygons or run lengths")
    things = [word for word in words if word.lower() != BACKGROUND]
    if len(things) >= MOST:
        raise DataError(
            f"{root}: outlines of {len(things)} categories; at most {MOST - 1} fit beside the "
            "background"
        )
    numbers = dict.fromkeys(words, 0) | {word: number for number, word in enumerate(things, 1)}
    made: list[tuple[Outlined, NDArray[np.int64], bytes] | str] = [""] * len(rows)

    def make(place: int) -> None:
        row = rows[place]
        try:
            frame = frame_of(f"{root}/{row.picture}")
        except ImageError as error:
            made[place] = str(error)
            return
        if row.size is not None and row.size != frame[:2]:
            made[place] = (
                f"{row.source} has it with {row.size[1]} x {row.size[0]} pixels, and it has "
                f"{frame.width} x {frame.height}"
            )
            return
        try:
            one = Outlined(frame[:2], sorted_shapes(row.marks, numbers, frame[:2]))
            pixels = one.read()
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            made[place] = f"has an outline that cannot be drawn: {error}"
            return
        made[place] = one, np.bincount(pixels.ravel(), minlength=VOID + 1), digest(pixels)

    with progress.stage("draw outlines", len(rows)) as bar:
        for done in each(range(len(rows)), make):
            bar.advance(done)
    kept: list[tuple[int, tuple[Outlined, NDArray[np.int64], bytes]]] = []
    doubts = []
    for place, (row, result) in enumerate(zip(rows, made, strict=True)):
        if isinstance(result, str):
            found.leave(row.picture, result)
        else:
            kept.append((place, result))
            boxes = sum(mark.shape is None for mark in row.marks)
            if boxes:
                what = f"{counted(boxes, 'object')} with a box and no outline: void"
                doubts.append(MaskDoubt(printable(row.picture), "bare", what))
    if not kept:
        raise DataError(f"{root}: no image is left: {found.left_out[-1].reason}")
    names = (BACKGROUND, *things)
    targets = Masks(
        names,
        tuple(one for _, (one, _, _) in kept),
        np.stack([[*areas[: len(names)], areas[VOID]] for _, (_, areas, _) in kept]),
        np.array([one.size for _, (one, _, _) in kept], np.int64),
        tuple(total for _, (_, _, total) in kept),
        tuple(doubts),
    )
    data = Dataset(
        name=name or root.resolve().name,
        inputs=Files([rows[place].picture for place, _ in kept], root),
        targets=targets,
        split=np.array([rows[place].split for place, _ in kept], np.int8),
        left_out=tuple(found.left_out),
        notes=tuple(found.notes),
    )
    return data.complete(seed)


def sorted_shapes(
    marks: Sequence[Mark], numbers: dict[str, int], size: tuple[int, int]
) -> tuple[tuple[int, Any], ...]:
    """Outlines with class numbers, the largest first; before them the boxes of what has none, as
    void."""
    shapes = [(numbers[mark.name], mark.shape) for mark in marks if mark.shape is not None]
    areas = [int(drawn(shape, *size).sum()) for _, shape in shapes]
    order = sorted(range(len(shapes)), key=lambda k: -areas[k])
    boxes = [mark.box for mark in marks if mark.shape is None]
    void = [(VOID, [[left, top, right, top, right, bottom, left, bottom]])
            for left, top, right, bottom in boxes]  # fmt: skip
    return (*void, *(shapes[k] for k in order))
