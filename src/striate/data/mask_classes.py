"""What the numbers and colors of masks mean: by a list of names, a known palette, or themselves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import LeftOut
from striate.data.markup import text_of
from striate.data.masks import MOST, VOID
from striate.data.walking import Folder
from striate.errors import DataError, UserError, one_line
from striate.files import read_bytes

MAX_BYTES = 2**20  # of a list of names
MAX_LINE, MAX_LINES = 200, 1000  # of such a list: characters, lines; patterns take long on more
TABLES = frozenset((
    "classes", "class_names", "classnames", "names", "labels", "label_names", "codes", "labelmap",
    "label_colors", "label_colours", "class_dict", "_classes", "colormap", "color_map", "palette",
    "categories",
))  # fmt: skip
NOTHING = re.compile(r"^(void|ignored?|unlabell?ed|unknown|do ?n.t care)\b", re.IGNORECASE)
COLOR_FIRST = re.compile(r"^(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\D.*)$")
COLOR_LAST = re.compile(r"^(.*?\D.*?)\s*[\s,;:]\s*(\d{1,3})\s*[\s,;]\s*(\d{1,3})\s*[\s,;]\s*(\d{1,3})\W*$")  # fmt: skip  # noqa: E501
NUMBERED = re.compile(r"^(\d{1,3})\s*[\s,;:=]\s*([^\d\s,;][^,;]*)")
NAMED = re.compile(r"^([^,;]*[^\d\s,;][^,;]*?)\s*[,;\t=:]\s*(\d{1,3})$")

VOC = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
STRAY = 0.01  # of the pixels of 255, at most, are strays of an edge between 0 and 255
COLORS = 64  # different ones that masks may have where no list names them
LOW, HIGH, BINARY = 32, 223, 0.98  # nearly all pixels of a blurred mask of two values lie outside

Color = tuple[int, int, int]


def voc_color(number: int) -> Color:
    """The color of a class in VOC's palette: the bits of its number, dealt to the channels.

    >>> voc_color(1), voc_color(15), voc_color(255)
    ((128, 0, 0), (192, 128, 128), (224, 224, 192))
    """
    channels = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            channels[channel] |= (number >> (3 * place + channel) & 1) << (7 - place)
    return channels[0], channels[1], channels[2]


@dataclass(frozen=True)
class Legend:
    """What a list says: classes by number, or by color.

    Attributes:
        source: the file, below the root.
    """

    source: str = ""
    numbers: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[Color, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Meaning:
    """How values in files become class numbers.

    Attributes:
        names: the classes, in the order of their numbers.
        numbers: value to class number, VOID for void; a value that is missing is unknown.
        colors: likewise for colors.
        threshold: values from here on are class 1, all below class 0; None where values are exact.
        notes: for the person.
    """

    names: tuple[str, ...]
    numbers: Mapping[int, int] = field(default_factory=dict)
    colors: Mapping[Color, int] = field(default_factory=dict)
    threshold: int | None = None
    notes: tuple[str, ...] = ()


def legend_of(root: Path, folder: Folder, left_out: list[LeftOut]) -> Legend:
    """The list of class names below a folder, if there is one.

    Args:
        left_out: takes up a list that cannot be read, with the reason.
    """
    paths = _lists(folder, ".txt", ".csv", ".names")
    for path in sorted(paths, key=lambda path: (path.count("/"), path)):
        try:
            text, _ = text_of(read_bytes(root / path, limit=MAX_BYTES))
        except UserError as error:
            left_out.append(LeftOut(path, one_line(error)))
            continue
        numbers, colors = parsed(text)
        if numbers or colors:
            return Legend(path, numbers, colors)
    return Legend()


def other_lists(folder: Folder) -> list[str]:
    """Files that are called as lists of class names are, in forms that are not read."""
    return _lists(folder, ".json", ".yaml", ".yml", ".xml")


def _lists(folder: Folder, *suffixes: str) -> list[str]:
    return [
        path
        for path in folder.marking(*suffixes)
        if path.count("/") <= 1 and path.rpartition("/")[2].rpartition(".")[0].lower() in TABLES
    ]


def parsed(text: str) -> tuple[dict[int, str], dict[Color, str]]:
    """Classes by number and by color, as the lines of a list have them; none, if the lines are too
    long or too many to be that.

    >>> parsed("0 sky\\n1 road\\n")
    ({0: 'sky', 1: 'road'}, {})
    >>> parsed("name,r,g,b\\nAnimal,64,128,64\\nVoid,0,0,0")
    ({}, {(64, 128, 64): 'Animal', (0, 0, 0): 'Void'})
    >>> parsed("cat\\ndog")
    ({0: 'cat', 1: 'dog'}, {})
    """
    lines = [line.strip().strip("\ufeff") for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE for line in lines):
        return {}, {}
    for rows in (lines, lines[1:]):  # the first may be headings
        for pattern in (COLOR_FIRST, COLOR_LAST):
            if rows and all(found := [pattern.match(row) for row in rows]):
                return {}, dict(_color(match) for match in found if match)
        if rows and all(found := [NUMBERED.match(row) for row in rows]):
            return {int(m[1]): _clean(m[2]) for m in found if m}, {}
        if rows and all(found := [NAMED.match(row) for row in rows]):
            return {int(m[2]): _clean(m[1]) for m in found if m}, {}
    if any(re.search(r"[,;\t]", line) for line in lines):
        return {}, {}
    return {number: _clean(line) for number, line in enumerate(lines)}, {}


def _color(match: re.Match[str]) -> tuple[Color, str]:
    if match.re is COLOR_FIRST:
        red, green, blue, name = match.groups()
    else:
        name, red, green, blue = match.groups()
    return (int(red), int(green), int(blue)), _clean(name)


def _clean(name: str) -> str:
    return name.strip().strip("\"'").rstrip(":;,").strip()


def of_numbers(
    found: NDArray[np.int64], legend: Legend, folders: Iterable[str], *, blurred: bool, name: str,
    smoothed: bool = False,
) -> Meaning:  # fmt: skip
    """What the numbers of masks mean.

    Args:
        found: (256,) how many pixels of all masks have each number.
        folders: names of the folders that the masks lie in.
        blurred: whether some were compressed in a way that changes numbers.
        name: what the person called the set.
        smoothed: whether 0 and 255 are all but for the edges between them.

    Raises:
        DataError: if there is nothing to tell apart, or nobody can know what they mean.
    """
    present = np.flatnonzero(found).tolist()
    ends = found[: LOW + 1].sum() + found[HIGH:].sum()
    both = bool(found[: LOW + 1].any() and found[HIGH:].any())
    between = len(present) > 2 and found[LOW + 1 : HIGH].any()
    two = both and ends >= BINARY * found.sum()
    strays = not legend.numbers and _strays(found)
    smoothed = smoothed and not legend.numbers
    if smoothed or blurred or strays or (len(present) > COLORS and not legend.numbers and two):
        if not two and not smoothed:
            raise DataError(
                f"{name}: its masks are JPEGs or WebP with loss, which changes class numbers; save "
                "them as PNG"
            )
        names = _two(legend)
        note = "masks with smoothed edges: numbers from 128 on are the object, all below not"
        return Meaning(names, threshold=128, notes=(note,) if blurred or between else ())
    if len(present) < 2:
        raise DataError(
            f"{name}: every pixel of its masks is {present[0] if present else 'missing'}; at least "
            "two classes are needed, such as 0 for background and 1 for the object"
        )
    if legend.numbers:
        return _by_legend(legend.numbers, present, legend.source)
    words = {word.lower() for word in folders}
    if words & {"trimaps", "trimap"} and set(present) <= {1, 2, 3}:  # Parkhi et al. 2012
        return Meaning(("background", "foreground"), {1: 1, 2: 0, 3: VOID})
    if len(present) == 2 and present[0] == 0:
        return Meaning(("background", "foreground"), {0: 0, present[1]: 1})
    if "segmentationclass" in words and set(present) <= {*range(len(VOC)), VOID}:
        known = dict(enumerate(VOC))
        return _by_legend(known, present, "")
    values = [value for value in present if value != VOID]
    if len(values) > MOST or (len(values) > COLORS and two):
        raise DataError(
            f"{name}: its masks hold {len(values)} different numbers; expected one for each class"
        )
    numbers = {value: number for number, value in enumerate(values)}
    notes = []
    if len(values) < len(present) and values[-1] > LOW:  # not numbers that count classes
        notes.append("255 in masks is void; if it is a class, save it under another number")
    if len(values) > COLORS:
        notes.append(
            f"masks hold {len(values)} numbers and no list names them: each is a class; if they "
            "number single objects, save class numbers instead"
        )
    return Meaning(tuple(map(str, values)), {**numbers, VOID: VOID}, notes=tuple(notes))


def _strays(found: NDArray[np.int64]) -> bool:
    """Whether masks of 0 and 255 have a few grays between: then 255 is the object, not void.

    Small numbers alone are classes, however rare: 0, 1 and 255 are two classes and void.
    """
    between = found[1:VOID]
    few = 0 < between.sum() <= STRAY * found[VOID]
    return bool(found[0] and few and found[LOW + 1 : VOID].any())


def _two(legend: Legend) -> tuple[str, ...]:
    named = [name for _, name in sorted(legend.numbers.items()) if not NOTHING.match(name)]
    return tuple(named) if len(named) == 2 else ("background", "foreground")


def _by_legend(known: Mapping[int, str], present: Sequence[int], source: str) -> Meaning:
    """Numbers by their names; only names that some mask has become classes. 255 is void, unless it
    has a name."""
    kept = [v for v in sorted(known) if v in present and not NOTHING.match(known[v])]
    if not kept:
        raise DataError(
            f"{source} names {len(known)} classes, and masks hold none of their numbers, but "
            f"{', '.join(map(str, present[:5]))}"
        )
    names = list(dict.fromkeys(known[value] for value in kept))  # several numbers may have one
    if len(names) > MOST:
        raise DataError(f"{source} names {len(names)} classes that masks hold; at most {MOST} fit")
    numbers = {value: names.index(known[value]) for value in kept}
    void = {value: VOID for value, name in known.items() if NOTHING.match(name)}
    return Meaning(tuple(names), {VOID: VOID, **void, **numbers})


def of_colors(found: Mapping[Color, int], legend: Legend, *, name: str) -> Meaning:
    """What the colors of masks mean.

    Args:
        found: how many pixels of all masks have each color.

    Raises:
        DataError: as `of_numbers`.
    """
    if legend.colors:
        names = [n for color, n in legend.colors.items() if color in found and not NOTHING.match(n)]
        names = list(dict.fromkeys(names))
        if not names:
            raise DataError(
                f"{name}: {legend.source} names {len(legend.colors)} colors, none of which is in "
                "its masks"
            )
        numbers = {n: number for number, n in enumerate(names)}
        return Meaning(
            tuple(names),
            colors={color: numbers.get(n, VOID) for color, n in legend.colors.items()},
        )
    palette = {voc_color(number): word for number, word in enumerate(VOC)}
    border = voc_color(VOID)
    if found.keys() <= palette.keys() | {border} and len(found) > 1:
        kept = [color for color in palette if color in found]
        numbers_of = {color: number for number, color in enumerate(kept)}
        return Meaning(tuple(palette[c] for c in kept), colors={**numbers_of, border: VOID})
    if len(found) > COLORS:
        raise DataError(
            f"{name}: its masks hold {len(found):,} colors or more, and no list says what they "
            "mean; save masks as PNG without smoothing, with a list of names and colors beside "
            "them (classes.txt: red green blue name)"
        )
    colors = sorted(color for color in found if color != border)
    words = ["background" if not any(c) else "#{:02x}{:02x}{:02x}".format(*c) for c in colors]
    note = "no list of names beside the masks: classes are called by their colors"
    return Meaning(
        tuple(words),
        colors={**{color: number for number, color in enumerate(colors)}, border: VOID},
        notes=(note,),
    )
