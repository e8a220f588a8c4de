"""COCO's key points: for each person 17 of x, y and visibility; any category may have its own."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from striate.data.coco import KEYPOINTS, NO_BOX, POINTS, find_coco, found_in, table_of
from striate.data.dataset import Dataset
from striate.data.markup import NotReadable
from striate.data.names import quoted
from striate.data.points import SEEN, Points
from striate.data.posed import Place, Posed, Poses, posed
from striate.errors import DataError


def is_pointed(root: Path) -> bool:
    """Whether a folder holds COCO's annotations with key points that have names."""
    return root.is_dir() and any(
        category.get(KEYPOINTS)
        for file in find_coco(root, POINTS)
        for category in categories_in(root / file)
    )


def is_pointed_only(root: Path) -> bool:
    """Whether no other file there marks objects."""
    return is_pointed(root) and set(find_coco(root)) <= set(find_coco(root, POINTS))


def categories_in(path: Path) -> Iterator[dict[str, Any]]:
    """The categories of a file; none where it cannot be read, which is told when it is opened."""
    try:
        table = table_of(path)
    except NotReadable:
        return
    yield from (each for each in table["categories"] if isinstance(each, dict))


def open_coco_points(root: Path, *, seed: int = 0) -> Dataset[Points]:
    """The things of COCO files with their key points, crowds left out.

    Raises:
        DataError: if nothing is marked, or categories have different parts.
    """
    found = found_in(root, shape=KEYPOINTS)
    known = {
        str(each.get("name", "")).strip(): each
        for file in find_coco(root, POINTS)
        for each in categories_in(root / file)
        if isinstance(each.get(KEYPOINTS), list) and each[KEYPOINTS]
    }
    if not known:
        raise DataError(f"{root}: no category names its keypoints")
    forms = {tuple(map(str, each[KEYPOINTS])) for each in known.values()}
    if len(forms) > 1:
        raise DataError(
            f"{root}: the categories {quoted(known)} have different key points; keep one of them"
        )
    parts = forms.pop()
    poses = Poses(parts, lines=lines_of(next(iter(known.values())), len(parts)), found=found)
    for row in found.pictures:
        for number, mark in enumerate(row.marks):
            if mark.crowd or mark.shape is None or mark.name not in known:
                continue
            points = points_of(mark.shape[0], len(parts))
            if isinstance(points, str):
                found.leave(f"{row.source}: {row.picture}, object {number + 1}", points)
                continue
            places, visible = points
            if any(visible):
                box = None if mark.box == NO_BOX else mark.box
                poses.rows.append(
                    Posed(
                        row.picture,
                        places,
                        visible,
                        box,
                        mark.shape[1],
                        row.size,
                        row.split,
                        source=row.source,
                    )
                )
    return posed(root, poses, seed=seed)


def points_of(values: Any, count: int) -> tuple[tuple[Place | None, ...], tuple[int, ...]] | str:
    """Places and visibility of `[x, y, v, ...]`, or what is wrong with it."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        return "has keypoints that are not numbers"
    if len(numbers) != 3 * count:
        return f"has {len(numbers)} numbers for {count} keypoints of x, y and visibility"
    visible = tuple(min(max(int(v), 0), SEEN) if math.isfinite(v) else 0 for v in numbers[2::3])
    each = zip(numbers[::3], numbers[1::3], visible, strict=True)
    return tuple((x, y) if v else None for x, y, v in each), visible


def lines_of(category: dict[str, Any], count: int) -> tuple[tuple[int, int], ...]:
    """The skeleton of a category, which counts parts from 1; what in it is no pair is left out."""
    skeleton = category.get("skeleton")
    return tuple(
        (pair[0] - 1, pair[1] - 1)
        for pair in (skeleton if isinstance(skeleton, list) else ())
        if isinstance(pair, list)
        and len(pair) == 2
        and all(type(part) is int and 1 <= part <= count for part in pair)
    )
