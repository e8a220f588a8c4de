"""From a picture to a face as every method reads it: upright, of one size, eyes in their places.

Five landmarks are found, and the face is turned to the front by them. Where eyes or a box are
given, a similarity (turn, scale, shift) brings them to their places; where nothing is, and there is
no detector, the middle of the picture is taken for the face.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.data.people import People
from striate.errors import InputError, WeightsError
from striate.models.mtcnn import MTCNN, Faces, load_mtcnn
from striate.models.skeletons import skeleton, undrawn
from striate.tasks.faces.frontal import frontal
from striate.tasks.faces.geometry import EYES, MARGIN, SIDE, Pixels, template, warped
from striate.tensors import same_form

CENTERED = 8.0  # how much a face far from the middle is less likely to be the one that is meant
SMALLEST = 0.12  # of the shorter side of a picture: smaller faces are not looked for
MIDDLE = 0.6  # of the shorter side: the square that is taken where there is no detector
CORNERS = np.array([[-1.0, -1], [1, -1], [0, 1]])  # of a square, two and the middle of a side

Mode = Literal["frontal", "middle"]


class Aligner:
    """Finds the face in a picture and turns it to the front.

    Args:
        detector: of faces and landmarks; None: the middle of a picture is taken for the face.
    """

    def __init__(self, detector: MTCNN | None):
        self.detector = detector

    @property
    def mode(self) -> Mode:
        """How faces are found."""
        return "middle" if self.detector is None else "frontal"

    def __call__(self, pixels: Pixels) -> Pixels:
        """(SIDE, SIDE, 3) uint8 of a picture (H, W, 3) uint8.

        Raises:
            InputError: if there is no face in it.
        """
        if self.detector is None:
            height, width = pixels.shape[:2]
            reach = MIDDLE * min(height, width) / 2
            corners = np.array([width / 2, height / 2]) + reach * CORNERS
            return warped(pixels, corners, (CORNERS / 2 + 0.5) * SIDE)
        return frontal(pixels, self.landmarks(pixels))

    def landmarks(self, pixels: Pixels) -> NDArray[np.float64]:
        """(5, 2) x y of the face that is meant: large, and near the middle.

        Raises:
            InputError: if there is none.
        """
        assert self.detector is not None
        sides = np.array(pixels.shape[1::-1])
        found: Faces = self.detector(pixels, smallest=SMALLEST * float(sides.min()))
        if not len(found.boxes):
            raise InputError("no face was found in it")
        spans = found.boxes[:, 2:] - found.boxes[:, :2]
        away = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - sides / 2
        distance = (away**2).sum(1) / (sides.min() / 2) ** 2
        best = int(np.argmax(spans.prod(1) / (1 + CENTERED * distance)))
        return found.landmarks[best].astype(np.float64)

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it."""
        return {} if self.detector is None else dict(self.detector.state_dict())

    @classmethod
    def restored(cls, mode: Any, tensors: dict[str, Tensor]) -> "Aligner":
        """The one of which `tensors` were stored.

        Raises:
            ValueError, RuntimeError: if they do not belong together.
        """
        if mode == "middle":
            return cls(None)
        if mode != "frontal":
            raise ValueError(f"faces are found by {mode!r}")
        with skeleton():
            same_form(MTCNN().state_dict(), tensors)
        with undrawn():
            detector = MTCNN()
        detector.load_state_dict(tensors)
        return cls(detector.eval())


def aligner() -> tuple[Aligner, str]:
    """With the published detector where it is to be had; else without, and why."""
    try:
        return Aligner(load_mtcnn()), ""
    except WeightsError as error:
        return Aligner(None), (
            f"faces are not lined up: {error}. Until then the middle of each picture is taken for "
            "the face"
        )


def by_eyes(pixels: Pixels, eyes: NDArray[np.float64]) -> Pixels:
    """(SIDE, SIDE, 3) uint8 of a picture whose eyes (2, 2) x y are known, the left one in the
    picture first."""
    return warped(pixels, np.asarray(eyes, np.float64), template()[:EYES])


def by_box(pixels: Pixels, box: NDArray[np.float64]) -> Pixels:
    """(SIDE, SIDE, 3) uint8 of a picture whose face, from the brows to the chin, lies in a box (4,)
    left, top, right, bottom; it is not turned."""
    middle, half = (box[:2] + box[2:]) / 2, max(box[2:] - box[:2]) / 2
    corners = middle + half * CORNERS
    return warped(pixels, corners, (CORNERS * (0.5 - MARGIN) + 0.5) * SIDE)


def by_marks(pixels: Pixels, people: People, row: int) -> Pixels | None:
    """The same by what is given of a row of a set, eyes before boxes; None where nothing is."""
    if people.eyes is not None and np.isfinite(people.eyes[row]).all():
        return by_eyes(pixels, people.eyes[row])
    if people.boxes is not None and np.isfinite(people.boxes[row]).all():
        return by_box(pixels, people.boxes[row])
    return None
