"""Key points: places that are found again when the picture is turned, larger or lit otherwise.

    sift   extrema of differences of Gaussians, and 128 numbers of each (Lowe 2004)
    orb    corners at several scales, and 256 comparisons of pixels (Rublee et al. 2011)

scikit-image finds and describes them. SURF (Bay et al. 2006), which the lectures name beside SIFT,
is patented and in no build of scikit-image or OpenCV: take one of these two.
"""

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import MissingExtra, ModelError, UnknownName

KINDS = ("sift", "orb")
NUMBERS = {"sift": 128, "orb": 256}
LEAST = 16  # pixels a side


@dataclass(frozen=True, eq=False)
class KeyPoints:
    """What was found in one picture, in no particular order.

    Attributes:
        positions: (K, 2) x y in pixels; 0, 0 is the middle of the first.
        scales: (K,) standard deviation in pixels of the Gaussian at which a point was found; of
            "orb" how many times smaller the picture was.
        directions: (K,) radians in [-pi, pi], as `Edges` has them: 0 is +x, a quarter turn +y.
        descriptors: (K, 128) of unit length, to be compared by Euclidean distance; of "orb"
            (K, 256) 0 and 1, to be compared by how many differ.
    """

    positions: NDArray[np.float64]
    scales: NDArray[np.float64]
    directions: NDArray[np.float64]
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.positions)


def key_points(image: NDArray[np.generic], *, kind: str = "sift", most: int = 500) -> KeyPoints:
    """The key points of one gray picture (H, W), bytes or reals in [0, 1]; none if it is flat.

    Args:
        kind: "sift" or "orb".
        most: points of "orb" to keep, the strongest; "sift" keeps all that pass Lowe's thresholds.

    Raises:
        UnknownName: if there is no such kind.
        MissingExtra: if scikit-image is not installed.
    """
    if kind == "surf":
        raise ModelError("SURF is patented and in no build of its libraries; take sift or orb")
    if kind not in KINDS:
        raise UnknownName("kind of key points", kind, KINDS)
    if image.ndim != 2:
        raise ModelError(f"key points are found in gray pictures (H, W), not {image.shape}")
    try:
        from skimage.feature import ORB, SIFT
    except ImportError as error:
        raise MissingExtra("finding key points", "detection") from error
    if min(image.shape) < LEAST:
        raise ModelError(f"key points are looked for in {LEAST} pixels a side or more")
    finder: Any = SIFT() if kind == "sift" else ORB(n_keypoints=most)
    try:
        finder.detect_and_extract(image)
    except RuntimeError:  # what it says where it finds none
        nothing = np.zeros(0)
        return KeyPoints(
            np.zeros((0, 2)), nothing, nothing, np.zeros((0, NUMBERS[kind]), np.float32)
        )
    if kind == "orb":
        return KeyPoints(
            np.asarray(finder.keypoints, np.float64)[:, ::-1],
            np.asarray(finder.scales, np.float64),
            np.asarray(finder.orientations, np.float64),
            np.asarray(finder.descriptors, np.float32),
        )
    numbers = np.asarray(finder.descriptors, np.float32)
    turned = pi / 2 - np.asarray(finder.orientations, np.float64)  # theirs: 0 down, then right
    return KeyPoints(
        np.asarray(finder.positions, np.float64)[:, ::-1],
        np.asarray(finder.sigmas, np.float64),
        (turned + pi) % (2 * pi) - pi,
        numbers / np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1e-12),
    )


def matches(
    first: NDArray[np.float32], second: NDArray[np.float32], *, ratio: float = 0.8
) -> NDArray[np.int64]:
    """Which descriptors (K, D) and (L, D) mean the same: (M, 2) numbers (Lowe 2004, Section 7.1).

    Args:
        ratio: the nearest counts only if it is nearer than so much of the second nearest.
    """
    if len(first) == 0 or len(second) < 2:
        return np.zeros((0, 2), np.int64)
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    nearest = squares.argmin(1)
    rows = np.arange(len(first))
    best = squares[rows, nearest].copy()
    squares[rows, nearest] = np.inf
    clear = np.maximum(best, 0) < ratio**2 * squares.min(1)
    return np.stack([rows[clear], nearest[clear]], 1).astype(np.int64)
