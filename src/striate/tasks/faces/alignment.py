"""From a picture to a face as every method reads it: upright, of one size, eyes in their places.

A similarity (turn, scale, shift) brings five landmarks as near as it can to those of a template
(Umeyama 1991). Where a person has no detector, the eyes may be given, or the middle of the picture
is taken for the face.
"""

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from striate.data.people import People
from striate.errors import InputError, WeightsError
from striate.models.mtcnn import MTCNN, Faces, load_mtcnn
from striate.tensors import same_form

SIDE = 152  # pixels of a face, as DeepFace reads it
MARGIN = 0.12  # of the side, around the template
SHRUNK = 2.0  # pixels for one of the face, from which on the picture is first made smaller
CENTERED = 8.0  # how much a face far from the middle is less likely to be the one that is meant
SMALLEST = 0.12  # of the shorter side of a picture: smaller faces are not looked for
MIDDLE = 0.6  # of the shorter side: the square that is taken where there is no detector

# Where eyes, nose and corners of the mouth are in a frontal face, as shares of a square that holds
# it from the brows to the chin.
TEMPLATE = np.array(
    [[0.342, 0.462], [0.657, 0.460], [0.500, 0.641], [0.371, 0.825], [0.632, 0.823]]
)
EYES = 2  # of the landmarks
CORNERS = np.array([[-1.0, -1], [1, -1], [0, 1]])  # of a square, two and the middle of a side

Mode = Literal["landmarks", "middle"]
Pixels = NDArray[np.uint8]


class Aligner:
    """Finds the face in a picture and lines it up.

    Args:
        detector: of faces and landmarks; None: the middle of a picture is taken for the face.
    """

    def __init__(self, detector: MTCNN | None):
        self.detector = detector

    @property
    def mode(self) -> Mode:
        """How faces are found."""
        return "middle" if self.detector is None else "landmarks"

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
        return warped(pixels, self.landmarks(pixels), template())

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
        if mode != "landmarks":
            raise ValueError(f"faces are found by {mode!r}")
        with torch.device("meta"):
            same_form(MTCNN().state_dict(), tensors)
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


def template() -> NDArray[np.float64]:
    """(5, 2) where the landmarks of an aligned face are, in pixels."""
    return (TEMPLATE * (1 - 2 * MARGIN) + MARGIN) * SIDE


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The turn, scale and shift (2, 3) that bring points (K, 2) nearest to others, in the sum of
    squares (Umeyama 1991, Equations 40 to 43); it does not mirror.

    >>> corner = np.array([[0.0, 0], [1, 0], [0, 1]])
    >>> (similarity(corner, 2 * corner + 3).round(9) + 0.0).tolist()
    [[2.0, 0.0, 3.0], [0.0, 2.0, 3.0]]
    """
    before, after = source.mean(0), target.mean(0)
    spread, goal = source - before, target - after
    left, sizes, right = np.linalg.svd(goal.T @ spread)
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    turn = (left * signs) @ right
    matrix = turn * (sizes * signs).sum() / max(1e-12, (spread**2).sum())
    return np.hstack([matrix, (after - matrix @ before)[:, None]])


def warped(pixels: Pixels, points: NDArray[np.float64], places: NDArray[np.float64]) -> Pixels:
    """(SIDE, SIDE, 3) uint8 in which these points (K, 2) of a picture lie nearest to these places;
    bicubic, what is beyond the picture is black."""
    matrix = similarity(points, places)
    smaller, factor = reduced(pixels, float(np.hypot(*matrix[:, 0])))
    if factor > 1:
        matrix = similarity(points / factor, places)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    values = tuple(back.ravel().tolist())
    picture = Image.fromarray(smaller)
    return np.asarray(
        picture.transform((SIDE, SIDE), Image.Transform.AFFINE, values, Image.Resampling.BICUBIC)
    )


def reduced(pixels: Pixels, scale: float) -> tuple[Pixels, int]:
    """A picture that is to be scaled, first made smaller by a whole factor, and that factor, where
    it has SHRUNK pixels and more for one of the face."""
    factor = int(1 / (SHRUNK * scale)) if scale > 0 else 1
    if factor <= 1:
        return pixels, 1
    return np.asarray(Image.fromarray(pixels).reduce(factor)), factor
