"""Colors of the photograph in a picture painted otherwise (Gatys et al. 2016, arXiv:1606.05897)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COLORS = ("painting", "matched", "luminance")

# Luminance and two differences of colors (YIQ, NTSC 1953).
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
LEAST = 1e-3  # of a variance; flatter colors are not stretched further


def recolored(painting: NDArray[np.uint8], photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The painting (H, W, 3) with mean and covariance of the photograph's colors (Section 3, in the
    form x -> S_photo^(1/2) S_painting^(-1/2) (x - mean) + mean of the photograph)."""
    colors = painting.reshape(-1, 3).astype(np.float64)
    wanted = photo.reshape(-1, 3).astype(np.float64)
    turn = root(np.cov(wanted.T, bias=True), 0.5) @ root(np.cov(colors.T, bias=True), -0.5)
    found = (colors - colors.mean(0)) @ turn.T + wanted.mean(0)
    return rounded(found).reshape(painting.shape)


def luminance(pixels: NDArray[np.uint8]) -> Floats:
    """(H, W, 3) to (H, W) in [0, 255]."""
    return pixels @ YIQ[0]


def grayed(painting: NDArray[np.uint8], photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The painting's luminance with mean and deviation of the photograph's, as gray (H, W, 3)
    (Section 4)."""
    theirs, ours = luminance(painting), luminance(photo)
    scale = ours.std() / max(theirs.std(), LEAST)
    return rounded(np.repeat((((theirs - theirs.mean()) * scale) + ours.mean())[..., None], 3, 2))


def with_luminance(photo: NDArray[np.uint8], painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photograph's colors under the luminance of a picture of its size, (H, W, 3)."""
    parts = photo @ YIQ.T
    parts[..., 0] = luminance(painted)
    return rounded(parts @ np.linalg.inv(YIQ).T)


def root(covariance: Floats, power: float) -> Floats:
    """A power of a symmetric matrix whose eigenvalues are not negative."""
    values, vectors = np.linalg.eigh(covariance)
    found: Floats = (vectors * np.maximum(values, LEAST) ** power) @ vectors.T
    return found


def rounded(values: Floats) -> NDArray[np.uint8]:
    """To whole numbers from 0 to 255."""
    return np.rint(values).clip(0, 255).astype(np.uint8)
