"""Pictures and their points, as readers of all formats find them, made a dataset by one rule."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import progress
from striate.data.cutouts import Cutouts
from striate.data.dataset import Dataset, Files
from striate.data.frames import Box, Labeled, Size, fitted
from striate.data.marked import Found
from striate.data.names import counted, natural, printable, quoted
from striate.data.points import PointDoubt, Points
from striate.data.splits import TRAIN, torn
from striate.errors import DataError, ImageError
from striate.images.decoding import Frame
from striate.images.frames import frame_of

AROUND = 1.25  # sides of what is cut out, by those of the box (Xiao et al. 2018, Section 3)
LOOSE = 1.5  # the same where the box is that around the points
OUTSIDE = 1.0  # pixels that a point may lie outside its picture
MOST_PARTS = 1000
FEW_PARTS = 40  # up to which two parts at one place are a doubt: of many, neighbors may meet
Place = tuple[float, float]


@dataclass(frozen=True)
class Posed:
    """A thing in a picture and where its parts are.

    Attributes:
        picture: path below the root.
        places: K of x and y as the file has them, whose 0 is the center of the first pixel; None
            where a part is not marked.
        visible: K of COCO's visibility.
        box: around the thing, edges in pixels; None where there is none.
        area: pixels that it covers; None where nobody says.
        size: height and width that the label claims; None where it claims none.
        group: what it must not be parted from by a split: the name of a person, of a video.
        source: the file with the label, below the root.
    """

    picture: str
    places: tuple[Place | None, ...]
    visible: tuple[int, ...]
    box: Box | None = None
    area: float | None = None
    size: Size | None = None
    split: int = TRAIN
    group: str = ""
    source: str = ""


@dataclass
class Poses:
    """What a reader found: things with the same parts.

    Attributes:
        found: what was left out, and notes; its pictures are not used.
        group: what `Posed.group` names: "person".
    """

    parts: tuple[str, ...]
    rows: list[Posed] = field(default_factory=list)
    lines: tuple[tuple[int, int], ...] = ()
    found: Found = field(default_factory=Found)
    group: str = ""


def posed(root: Path, poses: Poses, *, seed: int, name: str | None = None) -> Dataset[Points]:
    """The dataset of what was found.

    Points are brought into the frames of the pictures. Where a picture shows several things, each
    is an input of its own, cut out of it.

    Raises:
        DataError: if nothing is marked.
    """
    found = poses.found
    if len(poses.parts) > MOST_PARTS:
        raise DataError(
            f"{root}: {len(poses.parts):,} parts; at most {MOST_PARTS:,} can be learned"
        )
    frames: dict[str, Frame] = {}
    for picture in progress.track(sorted({row.picture for row in poses.rows}), "read sizes"):
        try:
            frames[picture] = frame_of(f"{root}/{picture}")
        except ImageError as error:
            found.leave(picture, str(error))
    rows = [row for row in once(poses) if row.picture in frames]
    labels = [labeled(row) for row in rows]
    placed, notes = fitted(labels, [frames[row.picture] for row in rows])
    doubts: list[PointDoubt] = []
    kept: list[tuple[Posed, NDArray[np.float64], Box | None]] = []
    for row, fit in zip(rows, placed, strict=True):
        if fit.why:
            found.leave(row.picture, fit.why)
            continue
        edges = list(fit.boxes)
        box = edges.pop(0) if row.box is not None else None
        places = np.full((len(poses.parts), 2), np.nan)
        for part, place in enumerate(row.places):
            if place is not None and all(map(math.isfinite, place)):
                places[part] = edges.pop(0)[:2]
        doubts += mended(row, places, frames[row.picture][:2], poses.parts)
        if np.isfinite(places).any():
            kept.append((row, places, box))
        else:
            found.leave(row.picture, "no point is marked")
    if not kept:
        why = f": {found.left_out[-1].name}: {found.left_out[-1].reason}" if found.left_out else ""
        if doubts:
            why = f": {doubts[0].image}: {doubts[0].text}"
        raise DataError(f"{root}: no point is marked in a picture that is there{why}")
    kept.sort(key=lambda each: (each[0].split, natural(each[0].picture)))
    return assembled(root, poses, kept, frames, doubts, notes, seed, name)


def labeled(row: Posed) -> Labeled:
    """The box and the finite points of a thing, each as a box without sides."""
    points = [place for place in row.places if place and all(map(math.isfinite, place))]
    share = bool(points) and all(0 <= v <= 1 for place in points for v in place)
    share = share and any(v % 1 for place in points for v in place)
    half = 0.0 if share else 0.5
    boxes: list[Box] = [] if row.box is None else [row.box]
    boxes += [(x + half, y + half, x + half, y + half) for x, y in points]
    return Labeled(boxes, row.size, fractions=share)


def mended(
    row: Posed, places: NDArray[np.float64], size: tuple[int, int], parts: Sequence[str]
) -> list[PointDoubt]:
    """Takes points that cannot be right out of `places` (K, 2), in place, and tells them."""
    name, (height, width) = printable(row.picture), size
    doubts = []
    seen: dict[Place, int] = {}
    for part, given in enumerate(row.places):
        if given is None:
            continue
        if not np.isfinite(places[part]).all():
            text = f"{parts[part]} is at {given[0]:g}, {given[1]:g}: not marked"
            doubts.append(PointDoubt(name, "number", (0.0, 0.0), text))
            continue
        x, y = places[part].tolist()
        if not (-OUTSIDE <= x <= width + OUTSIDE and -OUTSIDE <= y <= height + OUTSIDE):
            text = f"{parts[part]} lies beyond the image of {width} x {height}: not marked"
            doubts.append(PointDoubt(name, "outside", (x, y), text))
            places[part] = np.nan
            continue
        places[part] = min(max(x, 0.0), width), min(max(y, 0.0), height)
        other = seen.setdefault((x, y), part)
        if other != part and len(parts) <= FEW_PARTS:
            text = f"{parts[part]} is where {parts[other]} is: kept"
            doubts.append(PointDoubt(name, "repeated", (x, y), text))
    return doubts


def once(poses: Poses) -> list[Posed]:
    """The rows, those that stand twice once; of pictures in several splits all in the one that is
    scored."""
    rows = list(dict.fromkeys(poses.rows))
    split_of: dict[str, int] = {}
    for row in rows:
        split_of[row.picture] = max(row.split, split_of.get(row.picture, row.split))
    moved = {row.picture for row in rows if row.split != split_of[row.picture]}
    if moved:
        poses.found.notes.append(
            f"{counted(len(moved), 'image')} in several splits ({quoted(moved, most=2)}): kept in "
            "the one that is scored, or chosen on"
        )
    return [replace(row, split=split_of[row.picture]) for row in rows]


def assembled(
    root: Path,
    poses: Poses,
    kept: list[tuple[Posed, NDArray[np.float64], Box | None]],
    frames: dict[str, Frame],
    doubts: list[PointDoubt],
    notes: list[str],
    seed: int,
    name: str | None,
) -> Dataset[Points]:
    """The dataset of rows that are as they should be."""
    pictures = [row.picture for row, _, _ in kept]
    places = np.stack([each for _, each, _ in kept])
    boxes = np.array([box or (math.nan,) * 4 for _, _, box in kept], np.float64).reshape(-1, 4)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for place, (row, _, _) in enumerate(kept):
        if row.area is not None:
            areas[place] = row.area
    sizes = np.array([frames[picture][:2] for picture in pictures], np.int64).reshape(-1, 2)
    several = len(pictures) - len(set(pictures))
    inputs: Files | Cutouts = Files(pictures, root)
    notes = [*poses.found.notes, *notes]
    if several:
        cuts = np.array(
            [cut(box, each, tuple(size)) for (_, each, box), size in zip(kept, sizes, strict=True)]
        )
        inputs = Cutouts(pictures, cuts, root)
        places = places - cuts[:, None, :2]
        boxes = boxes - np.tile(cuts[:, :2], 2)
        sizes = (cuts[:, 3:1:-1] - cuts[:, 1::-1]).astype(np.int64)
        beyond = (places < 0) | (places > sizes[:, None, ::-1])
        places[beyond.any(2)] = np.nan
        many = [picture for picture, count in Counter(pictures).items() if count > 1]
        notes.append(
            f"{counted(len(set(pictures)), 'image')} with {counted(len(pictures), 'thing')}, "
            f"several in {counted(len(many), 'image')} ({quoted(many, most=2)}): each "
            "is an input of its own, cut out a quarter larger than its box; in use, too, give "
            "such cuttings"
        )
    whole = not np.isnan(boxes).any()
    visible = np.array([row.visible for row, _, _ in kept], np.uint8)
    targets = Points.of(
        poses.parts, places, sizes, visible=visible, boxes=boxes if whole else None,
        areas=areas, lines=poses.lines, doubts=doubts,
    )  # fmt: skip
    data: Dataset[Points] = Dataset(
        name=name or root.resolve().name,
        inputs=inputs,
        targets=targets,
        split=np.array([row.split for row, _, _ in kept], np.int8),
        left_out=tuple(poses.found.left_out),
        notes=tuple(notes),
    )
    if note := torn([row.group for row, _, _ in kept], data.split):
        data = data.noted(note)
    data = data.complete(seed)
    words = [
        row.group or (row.picture if several else f"\0{k}") for k, (row, _, _) in enumerate(kept)
    ]
    groups = np.unique(words, return_inverse=True)[1].astype(np.int64)
    if len(set(words)) < len(words):
        data = data.together(groups)
        called = poses.group if any(row.group for row, _, _ in kept) else "image"
        if data.drawn:
            data = data.noted(
                f"drawn splits keep each {called} together ({len(set(words)):,} of them)"
            )
    return data


def cut(
    box: Box | None, places: NDArray[np.float64], size: Any
) -> tuple[float, float, float, float]:
    """What is cut out of a picture around a thing: whole pixels, inside the picture."""
    if box is None:
        known = places[np.isfinite(places).all(1)]
        (x0, y0), (x1, y1) = known.min(0), known.max(0)
        longer = max(x1 - x0, y1 - y0, 8.0)
        x, y, wide, high = (x0 + x1) / 2, (y0 + y1) / 2, LOOSE * longer, LOOSE * longer
    else:
        x0, y0, x1, y1 = box
        x, y, wide, high = (x0 + x1) / 2, (y0 + y1) / 2, AROUND * (x1 - x0), AROUND * (y1 - y0)
    height, width = size
    left, top = max(0, math.floor(x - wide / 2)), max(0, math.floor(y - high / 2))
    right, bottom = min(width, math.ceil(x + wide / 2)), min(height, math.ceil(y + high / 2))
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)
