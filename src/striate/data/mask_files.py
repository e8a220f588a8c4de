"""Masks that are files beside their pictures: what their values mean, and the set of them."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate import progress
from striate.data.dataset import Dataset, Files
from striate.data.marked import Found, Marked
from striate.data.mask_classes import (
    Color,
    Legend,
    Meaning,
    legend_of,
    of_colors,
    of_numbers,
    other_lists,
)
from striate.data.mask_pairs import EXPECTED, Pair, Pairing, labeled, paired, split_of
from striate.data.masks import VOID, MaskDoubt, Masks, Unmarked, digest
from striate.data.names import counted, printable, quoted, stem_of
from striate.data.places import key_of
from striate.data.roles import split_of_cell
from striate.data.splits import TRAIN
from striate.data.threads import each
from striate.data.voc_lists import in_splits
from striate.data.walking import Folder, walk
from striate.errors import DataError, ImageError
from striate.images.decoding import MAX_PIXELS, Frame
from striate.images.frames import frame_of
from striate.images.values import Values, read_values

ALIKE = 0.02  # of the grays of smoothed edges, at most, have neighbors all of the same gray
POINTS = "points.csv"  # of pictures that need no mask then; image,x,y,class


@dataclass(frozen=True, eq=False)
class MaskFile:
    """A mask in a file, and what its values mean."""

    path: str
    meaning: Meaning

    def read(self) -> NDArray[np.uint8]:
        return understood(read_values(self.path), self.meaning)


def understood(values: Values, meaning: Meaning) -> NDArray[np.uint8]:
    """(H, W) class numbers of the values of a file; what is unknown is VOID."""
    pixels = values.pixels
    if meaning.threshold is not None:
        gray = pixels if pixels.ndim == 2 else pixels.max(2)
        return (gray >= meaning.threshold).astype(np.uint8)
    if meaning.colors:
        packed = _packed(_colored(values))
        keys = np.array(sorted(_pack(color) for color in meaning.colors), np.int64)
        numbers = {_pack(color): number for color, number in meaning.colors.items()}
        table = np.array([numbers[key] for key in keys.tolist()], np.uint8)
        place = np.searchsorted(keys, packed).clip(max=len(keys) - 1)
        return np.where(keys[place] == packed, table[place], VOID).astype(np.uint8)
    table = np.full(256, VOID, np.uint8)
    for value, number in meaning.numbers.items():
        table[value] = number
    return table[pixels]


def _colored(values: Values) -> NDArray[np.uint8]:
    """(H, W, 3) colors, through the palette where there is one."""
    if values.pixels.ndim == 3:
        return values.pixels
    if values.palette is None:
        return np.repeat(values.pixels[..., None], 3, 2)
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(values.palette)] = values.palette
    return palette[values.pixels]


def _packed(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    wide = colors.astype(np.int64)
    packed: NDArray[np.int64] = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed


def _pack(color: Color) -> int:
    return (color[0] << 16) | (color[1] << 8) | color[2]


@dataclass
class _Seen:
    """What stands in the file of one mask, and the size of its picture."""

    size: tuple[int, int]
    numbers: NDArray[np.int64] | None  # (256,) pixels of each number
    colors: dict[Color, int]
    digest: bytes
    lossy: bool
    grays: tuple[int, int] = (0, 0)  # pixels between 0 and 255, and those of them in areas of one
    turned: bool = False  # whether EXIF turns the picture


def open_masks(root: Path, *, seed: int = 0, name: str | None = None) -> Dataset[Masks]:
    """The pictures below a folder that have masks, in the splits that folders, lists or a column
    `split` name; what they lack, striate draws.

    Raises:
        DataError: if nothing can be learned from; it says what is expected.
    """
    folder = walk(root)
    pairing = paired(folder)
    found = Found(left_out=list(folder.left_out), notes=list(folder.notes))
    for reason in dict.fromkeys(pairing.lone.values()):
        some = [mask for mask, why in pairing.lone.items() if why == reason]
        found.leave_many(some, "mask", "masks", reason)
    legend = legend_of(root, folder, found.left_out)
    if not legend.source and (others := other_lists(folder)):
        found.notes.append(f"{quoted(others)} not read: names of classes come from .txt or .csv")
    seen = _seen(root, pairing.pairs, found, colored=bool(legend.colors))
    if not seen:
        raise DataError(
            f"{root}: no picture with a mask: {_lack(pairing, found)}; expected {EXPECTED}"
        )
    title = name or root.resolve().name
    meaning = _meaning(seen, legend, str(root))
    found.notes += meaning.notes
    if labeled((*pairing.bare, *(pair.picture for pair in seen))) or (root / POINTS).is_file():
        seen |= _unmarked(root, pairing.bare, found)
    pairs = {pair.picture: pair for pair in seen}
    found.pictures = [Marked(name, (), source=pair.mask or name) for name, pair in pairs.items()]
    rows = in_splits(root, folder, found)
    splits = _column(root, folder, list(pairs))
    rows = [replace(row, split=splits.get(row.picture, row.split)) for row in rows]
    rows = [row for row in rows if pairs[row.picture].mask or row.split == TRAIN]
    rows = sorted(rows, key=lambda row: row.picture)
    bare = [row.picture for row in rows if not pairs[row.picture].mask]
    if bare:
        found.notes.append(
            f"{counted(len(bare), 'training image')} without mask: for methods that learn from "
            "labels of whole pictures or from points; others leave them out"
        )
    known = {row.picture for row in rows}
    unused = [picture for picture in pairing.bare if picture not in known]
    if unused:
        found.leave_many(unused, "picture", "pictures", "has no mask")
    order = [pairs[row.picture] for row in rows]
    targets = _targets(root, order, seen, meaning)
    data = Dataset(
        name=title,
        inputs=Files([row.picture for row in rows], root),
        targets=targets,
        split=np.array([row.split for row in rows], np.int8),
        left_out=tuple(found.left_out),
        notes=tuple(found.notes),
    )
    return data.complete(seed)


def _lack(pairing: Pairing, found: Found) -> str:
    """Why no picture of a folder has a mask."""
    if pairing.pairs:  # and none of them could be read
        first = next(
            each for each in found.left_out if each.name == printable(pairing.pairs[0].picture)
        )
        return f"{first.name}: {first.reason}"
    if pairing.lone:
        mask, reason = next(iter(sorted(pairing.lone.items())))
        return f"{printable(mask)} {reason}"
    return f"{counted(len(pairing.bare), 'picture')} and no mask"


def _seen(root: Path, pairs: Sequence[Pair], found: Found, *, colored: bool) -> dict[Pair, _Seen]:
    """What stands in every mask that fits its picture."""
    results: list[_Seen | str] = [""] * len(pairs)

    def look(number: int) -> None:
        pair = pairs[number]
        try:
            values = read_values(root / pair.mask)
        except ImageError as error:
            results[number] = f"its mask {printable(pair.mask)} {_reason(error)}"
            return
        try:
            frame = frame_of(root / pair.picture)
        except ImageError as error:
            results[number] = str(error)
            return
        height, width = values.pixels.shape[:2]
        if (height, width) != frame[:2]:
            results[number] = _misfit((height, width), frame)
            return
        if values.pixels.ndim == 3 or (colored and values.palette is not None):
            keys, counts = np.unique(_packed(_colored(values)), return_counts=True)
            some = zip(keys.tolist()[:4096], counts.tolist()[:4096], strict=True)
            colors = {(k >> 16, k >> 8 & 255, k & 255): count for k, count in some}
            numbers = None
        else:
            colors = {}
            numbers = np.bincount(values.pixels.ravel(), minlength=256).astype(np.int64)
        plain = numbers is not None and values.palette is None
        grays = grays_of(values.pixels) if plain else (0, 0)
        results[number] = _Seen(
            (height, width), numbers, colors, digest(values.pixels), values.lossy, grays,
            frame.orientation != 1,
        )  # fmt: skip

    with progress.stage("read masks", len(pairs)) as bar:
        for done in each(range(len(pairs)), look):
            bar.advance(done)
    kept = {}
    for pair, result in zip(pairs, results, strict=True):
        if isinstance(result, _Seen):
            kept[pair] = result
        else:
            found.leave(pair.picture, result)
    if turned := sum(one.turned for one in kept.values()):
        found.notes.append(
            f"{counted(turned, 'picture')} turned upright, as EXIF says; masks are taken as upright"
        )
    return kept


def _misfit(size: tuple[int, int], frame: Frame) -> str:
    """Why a mask of that height and width is not that of its picture."""
    its = (
        f"its mask has {size[1]} x {size[0]} pixels and the picture {frame.width} x {frame.height}"
    )
    if frame.scale > 1:
        return (
            f"{its}, to which one of more than {MAX_PIXELS // 10**6} million pixels is brought; "
            "cut both into parts"
        )
    if size == frame.stored:
        return f"{its} when it is turned upright, as EXIF says; turn the mask, too"
    return f"{its}; save masks at the size of their pictures"


def _unmarked(root: Path, pictures: Sequence[str], found: Found) -> dict[Pair, _Seen]:
    """Pictures of which no mask is known, and their sizes."""
    kept: dict[Pair, _Seen] = {}
    for picture in progress.track(pictures, "read sizes"):
        try:
            frame = frame_of(root / picture)
        except ImageError as error:
            found.leave(picture, str(error))
        else:
            kept[Pair(picture, "")] = _Seen(frame[:2], None, {}, b"", False)
    return kept


def grays_of(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """How many pixels of a mask (H, W) are neither 0 nor 255, and how many of those have four
    neighbors like them, as in areas of a class and not on smoothed edges.

    >>> grays_of(np.array([[0, 0, 0, 0], [0, 0, 128, 255], [0, 0, 128, 255]], np.uint8))
    (2, 0)
    """
    between = (pixels > 0) & (pixels < VOID)
    inner = pixels[1:-1, 1:-1]
    alike = between[1:-1, 1:-1].copy()
    for other in (pixels[:-2, 1:-1], pixels[2:, 1:-1], pixels[1:-1, :-2], pixels[1:-1, 2:]):
        alike &= inner == other
    return int(between.sum()), int(alike.sum())


def _reason(error: ImageError) -> str:
    words = str(error)
    if words.startswith(("has ", "holds ", "is ", "cannot ")):
        return words
    return f"cannot be read: {words}"


def _meaning(seen: Mapping[Pair, _Seen], legend: Legend, name: str) -> Meaning:
    """What the values of all masks mean."""
    colors: Counter[Color] = Counter()
    numbers = np.zeros(256, np.int64)
    for one in seen.values():
        colors.update(one.colors)
        if one.numbers is not None:
            numbers += one.numbers
    blurred = any(one.lossy for one in seen.values())
    if colors:
        if legend.colors or not numbers.any() or len(colors) <= 64:
            for value in np.flatnonzero(numbers).tolist():  # gray masks among colored ones
                colors[value, value, value] += int(numbers[value])
        if blurred:
            raise DataError(
                f"{name}: its masks are JPEGs or WebP with loss, which changes colors; save "
                "them as PNG"
            )
        return of_colors(colors, legend, name=name)
    if legend.colors:
        gray = {(v, v, v): int(numbers[v]) for v in np.flatnonzero(numbers).tolist()}
        if any(color in legend.colors for color in gray):
            return of_colors(gray, legend, name=name)
    folders = {part for pair in seen for part in pair.mask.split("/")[:-1]}
    grays, alike = (sum(one.grays[place] for one in seen.values()) for place in range(2))
    smoothed = bool(numbers[0] and numbers[VOID] and grays and alike <= ALIKE * grays)
    return of_numbers(numbers, legend, folders, blurred=blurred, smoothed=smoothed, name=name)


def _targets(
    root: Path, order: Sequence[Pair], seen: Mapping[Pair, _Seen], meaning: Meaning
) -> Masks:
    """The masks of these pairs, in that order."""
    count = len(meaning.names)
    areas = np.zeros((len(order), count + 1), np.int64)
    doubts = []
    for row, pair in enumerate(order):
        unknown = 0
        for number, pixels in _numbered(seen[pair], meaning):
            unknown += pixels if number is None else 0
            areas[row, count if number in (None, VOID) else number] += pixels
        if unknown:
            share = 100 * unknown / areas[row].sum()
            doubts.append(
                MaskDoubt(
                    printable(pair.picture), "unknown",
                    f"{share:.2g} % of its mask is of a number or color that is no class: void",
                )
            )  # fmt: skip
        if pair.mask and not areas[row, :count].any():
            doubts.append(MaskDoubt(printable(pair.picture), "void", "its mask is void all over"))
    return Masks(
        meaning.names,
        tuple(
            MaskFile(f"{root}/{pair.mask}", meaning) if pair.mask else Unmarked(*seen[pair].size)
            for pair in order
        ),
        areas,
        np.array([seen[pair].size for pair in order], np.int64).reshape(-1, 2),
        tuple(seen[pair].digest for pair in order),
        tuple(doubts),
    )


def _numbered(one: _Seen, meaning: Meaning) -> Iterator[tuple[int | None, int]]:
    """Class numbers with how many pixels have them; None for what is unknown."""
    if one.numbers is not None:
        for value in np.flatnonzero(one.numbers).tolist():
            pixels = int(one.numbers[value])
            if meaning.threshold is not None:
                yield int(value >= meaning.threshold), pixels
            elif meaning.colors:
                yield meaning.colors.get((value, value, value)), pixels
            else:
                yield meaning.numbers.get(value), pixels
    for color, pixels in one.colors.items():
        yield meaning.colors.get(color), pixels


def _column(root: Path, folder: Folder, pictures: Sequence[str]) -> dict[str, int]:
    """Splits by picture, from a table with a column `split` beside one of names."""
    stems = {key_of(stem_of(picture.rpartition("/")[2])): picture for picture in pictures}
    if any(split_of(tuple(picture.split("/")[:-1])) is not None for picture in pictures):
        return {}
    for path in folder.marking(".csv"):
        if "/" in path:
            continue
        with (root / path).open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
        if not rows or "split" not in rows[0]:
            continue
        found = {}
        for row in rows:
            split = split_of_cell(str(row.get("split") or ""))
            for cell in row.values():
                stem = key_of(stem_of(cell.rpartition("/")[2])) if isinstance(cell, str) else ""
                if stem in stems:
                    found[stems[stem]] = TRAIN if split is None else split
                    break
        if 2 * len(found) >= len(stems):
            return found
    return {}
