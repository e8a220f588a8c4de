"""Boxes brought into the frame of the picture that is decoded: upright, with every pixel.

A label has a frame of its own. EXIF may turn a photograph that the labeling program showed as it is
stored; it may have been resized since; or the size that stands beside the boxes is wrong. One rule
decides, for learning, checking and scoring alike, and the notes tell what was not as it should be.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from striate.data.names import counted
from striate.images.decoding import Frame

Box = tuple[float, float, float, float]  # x0 y0 x1 y1
Size = tuple[int, int]  # height and width

SLACK = 1.5  # pixels that boxes may reach beyond the picture that they belong to
MOST = 1_000_000  # pixels of a side that a label may claim
CLOSE = 0.02  # by what share two sizes of one shape may differ


@dataclass(frozen=True)
class Labeled:
    """The boxes of one picture as a file has them.

    Attributes:
        boxes: edges in pixels of the labeled picture, or as fractions of its sides.
        size: height and width that the label claims; None where it claims none.
        fractions: True or False where the format says so; None where the numbers must tell.
        from_one: whether pixels are counted from 1 and the last is included, as in VOC: the edges
            are xmin - 1 and xmax. A 0, which some programs write, is the edge of the picture.
    """

    boxes: Sequence[Box]
    size: Size | None
    fractions: bool | None = None
    from_one: bool = False

    def in_edges(self) -> "Labeled":
        """The same with pixels counted from 0."""
        if not self.from_one:
            return self
        boxes = [(x0 - bool(x0), y0 - bool(y0), x1, y1) for x0, y0, x1, y1 in self.boxes]
        return Labeled(boxes, self.size, self.fractions)


Way = Literal[
    "same", "stored", "resized", "unsized", "swapped", "wrong", "fractions", "turned",
]  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """Boxes in pixels of the upright picture; `why` they cannot be brought there, else ""."""

    boxes: list[Box]
    way: Way
    why: str = ""


def claimed(height: object, width: object) -> Size | None:
    """A size as a file claims it; None where that cannot be a size.

    >>> claimed("480", 640.0), claimed(0, 0), claimed("9" * 20, 5), claimed(None, 3)
    ((480, 640), None, None, None)
    """
    try:
        size = int(float(height)), int(float(width))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return size if min(size) > 0 and max(size) <= MOST else None


def fitted(labels: Sequence[Labeled], frames: Sequence[Frame]) -> tuple[list[Fitted], list[str]]:
    """The boxes of every picture in its frame, and notes on what was done.

    The pictures of a set were labeled by one program: what some of them prove decides for those
    that prove nothing.
    """
    shares = _fractions(labels)
    labels = [
        each if share else _whole(each.in_edges(), frame)
        for each, frame, share in zip(labels, frames, shares, strict=True)
    ]
    if not any(shares) and all(map(_plain, labels, frames)):  # nearly always
        return [Fitted(list(each.boxes), "same") for each in labels], []
    evidence = _stored_or_upright(labels, frames, shares)
    habits = Habits(
        stored=evidence["stored"] > evidence["upright"],
        turned=_turned_since(labels, frames),
        wrong=_sizes_are_wrong(labels, frames),
    )
    found = [
        _fraction(each, frame, habits) if share else _placed(each, frame, habits)
        for each, frame, share in zip(labels, frames, shares, strict=True)
    ]
    return found, _notes(found, labels, frames)


@dataclass(frozen=True)
class Habits:
    """What some pictures of a set prove of all.

    Attributes:
        stored: pictures were labeled as they are stored, before EXIF turns them.
        turned: pictures were turned after they were labeled.
        wrong: sizes beside the boxes are not those of the labeled pictures.
    """

    stored: bool
    turned: bool
    wrong: bool


def _whole(label: Labeled, frame: Frame) -> Labeled:
    """Of a picture that is decoded at a scale only, boxes without a size are of the whole."""
    if label.size is not None or frame.scale == 1:
        return label
    return Labeled(label.boxes, (frame.height * frame.scale, frame.width * frame.scale), False)


def _plain(label: Labeled, frame: Frame) -> bool:
    return frame.orientation == 1 and label.size in (None, frame.stored)


def _fractions(labels: Sequence[Labeled]) -> list[bool]:
    """Which pictures have boxes in fractions of their sides: no pixel is that small."""
    sure = [_fractional(each) for each in labels]
    others = sum(one is False and bool(each.boxes) for one, each in zip(sure, labels, strict=True))
    most = sum(one is True for one in sure) > others
    return [most if one is None else one for one in sure]


def _fractional(label: Labeled) -> bool | None:
    """None where the numbers may be either: 0 and 1 alone."""
    if label.fractions is not None:
        return label.fractions
    numbers = [number for box in label.boxes for number in box]
    if not numbers or min(numbers) < 0 or max(numbers) > 1:
        return False
    return True if any(number % 1 for number in numbers) else None


def _stored_or_upright(
    labels: Sequence[Labeled], frames: Sequence[Frame], shares: Sequence[bool]
) -> Counter[str]:
    """How many pictures that EXIF turns were labeled as they are stored, and how many upright."""
    votes: Counter[str] = Counter()
    for label, frame, share in zip(labels, frames, shares, strict=True):
        upright = frame[:2]
        if share or upright == frame.stored or not label.boxes:
            continue
        lies, stands = _fits(label.boxes, frame.stored), _fits(label.boxes, upright)
        if label.size is not None and lies == stands:
            lies = _alike(label.size, frame.stored)
            stands = _alike(label.size, upright)
        if lies != stands:
            votes["stored" if lies else "upright"] += 1
    return votes


def _turned_since(labels: Sequence[Labeled], frames: Sequence[Frame]) -> bool:
    """Whether pictures without an orientation were turned after they were labeled: boxes fit the
    size that is claimed, and not the other way round."""
    lying = [
        _fits(label.boxes, frame[:2])
        for label, frame in zip(labels, frames, strict=True)
        if _exchanged(label, frame) and frame.orientation == 1
    ]
    return lying.count(False) > 0.1 * len(lying)


def _sizes_are_wrong(labels: Sequence[Labeled], frames: Sequence[Frame]) -> bool:
    """Whether, of pictures of another size than is claimed, more fit their own than the other."""
    wrong = right = 0
    for label, frame in zip(labels, frames, strict=True):
        if label.size is not None and label.size not in (frame.stored, frame[:2]):
            theirs, ours = _fits(label.boxes, label.size), _fits(label.boxes, frame[:2])
            wrong += ours and not theirs
            right += theirs and not ours
    return wrong > right


def _exchanged(label: Labeled, frame: Frame) -> bool:
    size = label.size
    return (
        size is not None
        and bool(label.boxes)
        and not _alike(size, frame[:2])
        and _alike(size[::-1], frame[:2])
    )


def _placed(label: Labeled, frame: Frame, habits: Habits) -> Fitted:
    upright = frame[:2]
    size, boxes = label.size, list(label.boxes)
    if size is None:
        if frame.orientation == 1:
            return Fitted(boxes, "same")
        lies = _lies(boxes, frame, stored=habits.stored)
        return Fitted(_turn(boxes, frame) if lies else boxes, "stored" if lies else "unsized")
    if frame.orientation != 1:
        return _oriented(boxes, size, frame, stored=habits.stored)
    if size == upright:
        return Fitted(boxes, "same")
    if _exchanged(label, frame):
        if habits.turned:
            return Fitted([], "turned", f"{_gone(size, upright)}, and was turned since")
        return Fitted(boxes, "swapped")
    theirs, ours = _fits(boxes, size), _fits(boxes, upright)
    if ours and (not theirs or habits.wrong):
        return Fitted(boxes, "wrong")
    return Fitted(_scaled(boxes, size, upright), "resized")


def _oriented(boxes: list[Box], size: Size, frame: Frame, *, stored: bool) -> Fitted:
    """Where the file has an orientation that is not upright."""
    upright = frame[:2]
    if upright == frame.stored:  # mirrored or upside down: the size tells nothing
        if size != upright:
            boxes = _scaled(boxes, size, upright)
        return Fitted(_turn(boxes, frame) if stored else boxes, "stored" if stored else "same")
    if _alike(size, frame.stored):
        if _fits(boxes, upright) and not _fits(boxes, frame.stored):
            return Fitted(boxes, "wrong")
        return Fitted(_turn(_scaled(boxes, size, frame.stored), frame), "stored")
    if not _fits(boxes, size) and _fits(boxes, upright):
        return Fitted(boxes, "wrong")
    return Fitted(_scaled(boxes, size, upright), "same" if size == upright else "resized")


def _lies(boxes: Sequence[Box], frame: Frame, *, stored: bool) -> bool:
    """Whether boxes without a size are of the stored picture."""
    lies, stands = _fits(boxes, frame.stored), _fits(boxes, frame[:2])
    return lies if lies != stands else stored


def _fraction(label: Labeled, frame: Frame, habits: Habits) -> Fitted:
    """Fractions are of the upright picture, unless the program showed the stored one."""
    stored = habits.stored and frame.orientation != 1
    height, width = frame.stored if stored else frame[:2]
    boxes = [(x0 * width, y0 * height, x1 * width, y1 * height) for x0, y0, x1, y1 in label.boxes]
    way: Way = "same" if label.fractions else "fractions"
    return Fitted(_turn(boxes, frame) if stored else boxes, way)


def _fits(boxes: Sequence[Box], size: Size) -> bool:
    height, width = size[0] + SLACK, size[1] + SLACK
    return all(max(x0, x1) <= width and max(y0, y1) <= height for x0, y0, x1, y1 in boxes)


def _alike(size: Size, other: Size) -> bool:
    """Whether two sizes have the same shape."""
    return abs(size[0] * other[1] - size[1] * other[0]) <= CLOSE * size[0] * other[1]


def _scaled(boxes: Sequence[Box], size: Size, to: Size) -> list[Box]:
    down, across = to[0] / size[0], to[1] / size[1]
    return [(x0 * across, y0 * down, x1 * across, y1 * down) for x0, y0, x1, y1 in boxes]


def _turn(boxes: Sequence[Box], frame: Frame) -> list[Box]:
    """From the stored picture to the upright one, as `striate.images.decoding` turns pixels."""
    height, width = frame[:2]
    found = []
    for x0, y0, x1, y1 in boxes:
        if frame.orientation in (5, 6, 7, 8):
            x0, y0, x1, y1 = y0, x0, y1, x1
        if frame.orientation in (3, 4, 7, 8):
            y0, y1 = height - y1, height - y0
        if frame.orientation in (2, 3, 6, 7):
            x0, x1 = width - x1, width - x0
        found.append((x0, y0, x1, y1))
    return found


def _gone(size: Size, upright: Size) -> str:
    return (
        f"its boxes are of a picture of {size[1]} x {size[0]} pixels, and the file has "
        f"{upright[1]} x {upright[0]}"
    )


def _notes(
    found: Sequence[Fitted], labels: Sequence[Labeled], frames: Sequence[Frame]
) -> list[str]:
    ways: Counter[Way] = Counter()
    examples: dict[Way, str] = {}
    for each, label, frame in zip(found, labels, frames, strict=True):
        if label.boxes:
            ways[each.way] += 1
            if label.size is not None:
                (height, width), size = frame[:2], label.size
                examples.setdefault(each.way, f" ({size[1]} x {size[0]}, and {width} x {height})")
    return [
        counted(ways[way], "image") + text.format(examples.get(way, ""))
        for way, text in WORDS.items()
        if ways[way]
    ]


WORDS: dict[Way, str] = {
    "stored": " labeled as stored in the file, before EXIF turns it upright: the boxes were "
    "turned, too",
    "unsized": " turned upright by EXIF, with no size beside the boxes: they were taken as "
    "they are on the upright picture",
    "resized": " of another size than in the label{}: the boxes were scaled",
    "swapped": " with width and height exchanged in the label{}: the boxes were kept",
    "wrong": " whose boxes fit the file and not the size in the label{}: the boxes were kept",
    "fractions": " with boxes in fractions of the sides: they were read as such",
}
