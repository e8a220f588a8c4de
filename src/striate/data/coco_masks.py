"""COCO's outlines as masks: polygons and run lengths, drawn over a background."""

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
from striate.data.masks import VOID, Masks, digest
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
    """The outlines in one picture, by class number, the largest first."""

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
        if list(shape["size"]) != [height, width]:
            raise ValueError(f"run lengths of {shape['size']}, the picture has {height, width}")
        counts = shape["counts"]
        return decoded(from_text(counts) if isinstance(counts, str) else counts, height, width)
    pixels = np.zeros((height, width), np.bool_)
    for polygon in shape:
        points = np.array(polygon, np.float64).reshape(-1, 2)
        if not np.isfinite(points).all():
            raise ValueError("a corner is not a number")
        pixels |= filled(points, height, width)
    return pixels


def open_coco_masks(root: Path, *, seed: int = 0, name: str | None = None) -> Dataset[Masks]:
    """The images of COCO files with their outlines as masks, the rest background; the smaller of
    two objects lies on top.

    Raises:
        DataError: if no object has an outline.
    """
    found = found_in(root, shape="segmentation")
    rows = once(found)
    words = sorted({mark.name for row in rows for mark in row.marks})
    if not any(mark.shape is not None for row in rows for mark in row.marks):
        raise DataError(f"{root}: no object has an outline; expected polygons or run lengths")
    numbers = {word: number for number, word in enumerate(words, 1)}
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
        except (ValueError, TypeError, LookupError) as error:
            made[place] = f"has an outline that cannot be drawn: {error}"
            return
        made[place] = one, np.bincount(pixels.ravel(), minlength=VOID + 1), digest(pixels)

    with progress.stage("draw outlines", len(rows)) as bar:
        for done in each(range(len(rows)), make):
            bar.advance(done)
    kept = []
    for place, (row, result) in enumerate(zip(rows, made, strict=True)):
        if isinstance(result, str):
            found.leave(row.picture, result)
        else:
            kept.append((place, result))
    if not kept:
        raise DataError(f"{root}: no image is left: {found.left_out[-1].reason}")
    names = (BACKGROUND, *words)
    targets = Masks(
        names,
        tuple(one for _, (one, _, _) in kept),
        np.stack([[*areas[: len(names)], areas[VOID]] for _, (_, areas, _) in kept]),
        np.array([one.size for _, (one, _, _) in kept], np.int64),
        tuple(total for _, (_, _, total) in kept),
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
    """Outlines with class numbers, the largest first."""
    shapes = [(numbers[mark.name], mark.shape) for mark in marks if mark.shape is not None]
    areas = [int(drawn(shape, *size).sum()) for _, shape in shapes]
    order = sorted(range(len(shapes)), key=lambda k: -areas[k])
    return tuple(shapes[k] for k in order)
