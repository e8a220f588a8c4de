"""Images in which things are marked by boxes, and what can be wrong with a box."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Images, Rows

TINY = 3.0  # pixels of the shorter side; below it nothing can be seen
ROUNDING = 1.0  # pixels that a box may lie outside the image before anybody is told


@dataclass(frozen=True, eq=False)
class Objects:
    """What is marked in one image.

    Attributes:
        boxes: (K, 4) float32, x0 y0 x1 y1: edges in pixels from the upper left corner, inside the
            image and never empty.
        classes: (K,) int64 class numbers.
        difficult: (K,) bool: finding it is not asked, and finding it is no mistake.
        crowd: (K,) bool: many of a kind in one box; whatever is found in it is no mistake.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    difficult: NDArray[np.bool_]
    crowd: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def asked(self) -> NDArray[np.bool_]:
        """(K,) which of them a detector owes."""
        return ~(self.difficult | self.crowd)

    def take(self, rows: Rows | NDArray[np.bool_]) -> "Objects":
        """Those objects, in that order."""
        return Objects(self.boxes[rows], self.classes[rows], self.difficult[rows], self.crowd[rows])


@dataclass(frozen=True)
class Doubt:
    """A box that is not as it should be, and what was done."""

    image: str
    kind: Literal["outside", "empty", "repeated", "tiny"]
    box: tuple[float, float, float, float]
    text: str


@dataclass(frozen=True, eq=False)
class BoxedDataset(Dataset):
    """Images with boxes.

    `targets` is what a task of one class an image would see: the class of the largest object, and
    one more than the last class where nothing is marked.

    Attributes:
        objects: (N,) what is marked in each image.
        sizes: (N, 2) height and width of each image, in pixels.
        doubts: boxes that were mended, dropped or look wrong.
    """

    objects: tuple[Objects, ...] = ()
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    doubts: tuple[Doubt, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not len(self.objects) == len(self.sizes) == len(self.targets):
            raise ValueError(
                f"{len(self.objects)} lists of objects, {len(self.sizes)} sizes and "
                f"{len(self.targets)} images should be as many"
            )

    def take(self, indices: Rows) -> "BoxedDataset":
        rows = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            images=self.images.take(rows),
            targets=self.targets[rows],
            split=self.split[rows],
            objects=tuple(self.objects[row] for row in rows.tolist()),
            sizes=self.sizes[rows],
        )

    def counts(self) -> NDArray[np.int64]:
        """Objects of each class in each split, difficult ones and crowds left out: (classes, 3)."""
        table = np.zeros((len(self.classes), 3), dtype=np.int64)
        for marked, split in zip(self.objects, self.split.tolist(), strict=True):
            if split >= 0:
                np.add.at(table[:, split], marked.classes[marked.asked], 1)
        return table

    def fingerprint(self) -> str:
        """Names this very set of images, classes and boxes, however it is split."""
        import hashlib

        total = hashlib.sha256("\0".join(self.classes).encode("utf-8", "replace"))
        lines = sorted(
            self.images.name(row).encode("utf-8", "replace")
            + b"\0"
            + self.images.mark(row)
            + marked.boxes.tobytes()
            + marked.classes.tobytes()
            + marked.asked.tobytes()
            for row, marked in enumerate(self.objects)
        )
        for line in lines:
            total.update(hashlib.sha256(line).digest())
        return total.hexdigest()


@dataclass(frozen=True)
class Mark:
    """One object as a file tells it, before anybody has looked at it."""

    name: str
    box: tuple[float, float, float, float]
    difficult: bool = False
    crowd: bool = False


def mended(
    marks: Sequence[Mark], numbers: Mapping[str, int], size: tuple[int, int], image: str
) -> tuple[Objects, list[Doubt]]:
    """Marks as objects, with every doubt told: what lies outside is cut off, what is empty or was
    said before is dropped, what is tiny stays.

    Args:
        size: height and width of the image.
    """
    height, width = size
    kept: list[tuple[Mark, tuple[float, float, float, float]]] = []
    doubts: list[Doubt] = []
    said = set()
    for mark in marks:
        x0, y0, x1, y1 = mark.box
        inside = (
            min(max(x0, 0.0), float(width)),
            min(max(y0, 0.0), float(height)),
            min(max(x1, 0.0), float(width)),
            min(max(y1, 0.0), float(height)),
        )

        def doubt(
            kind: Literal["outside", "empty", "repeated", "tiny"], done: str, mark: Mark = mark
        ) -> None:
            doubts.append(Doubt(image, kind, mark.box, f"{mark.name} {done}"))

        if not (x1 > x0 and y1 > y0):
            doubt("empty", "has no area: left out")
        elif not (inside[2] > inside[0] and inside[3] > inside[1]):
            doubt("outside", f"lies beyond the image of {width} x {height}: left out")
        elif (mark.name, mark.box) in said:
            doubt("repeated", "is marked twice: counted once")
        else:
            said.add((mark.name, mark.box))
            if max(abs(a - b) for a, b in zip(inside, mark.box, strict=True)) > ROUNDING:
                doubt("outside", f"reaches beyond the image of {width} x {height}: cut off")
            elif min(inside[2] - inside[0], inside[3] - inside[1]) < TINY:
                doubt("tiny", "is hardly a pixel: kept")
            kept.append((mark, inside))
    objects = Objects(
        np.array([box for _, box in kept], np.float32).reshape(-1, 4),
        np.array([numbers[mark.name] for mark, _ in kept], np.int64),
        np.array([mark.difficult for mark, _ in kept], bool),
        np.array([mark.crowd for mark, _ in kept], bool),
    )
    return objects, doubts


def whole(images: Images, row: int) -> NDArray[np.uint8]:
    """A picture with all of its pixels: (H, W, 3) uint8.

    Raises:
        ImageError: if it cannot be read.
    """
    from striate import images as decoding

    path = images.path(row)
    return images[row] if path is None else decoding.read(path, at_least=None)


def largest(objects: Sequence[Objects], classes: int) -> NDArray[np.int64]:
    """(N,) the class of each image's largest object; `classes` where it has none."""
    targets = np.full(len(objects), classes, np.int64)
    for row, marked in enumerate(objects):
        if len(marked):
            sides = marked.boxes[:, 2:] - marked.boxes[:, :2]
            targets[row] = marked.classes[sides.prod(1).argmax()]
    return targets
