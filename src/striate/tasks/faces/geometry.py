"""Where a face comes to: a template of landmarks, and the similarity that brings it there."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 152  # pixels of a face, as DeepFace reads it
MARGIN = 0.12  # of the side, around the template
SHRUNK = 2.0  # pixels for one of the face, from which on the picture is first made smaller

# Where eyes, nose and corners of the mouth are in a frontal face, as shares of a square that holds
# it from the brows to the chin.
TEMPLATE = np.array(
    [[0.342, 0.462], [0.657, 0.460], [0.500, 0.641], [0.371, 0.825], [0.632, 0.823]]
)
EYES = 2  # of the landmarks

Pixels = NDArray[np.uint8]


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
