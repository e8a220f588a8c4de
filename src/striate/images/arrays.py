"""The user's own pixels, brought to the form of all others: RGB uint8 (H, W, 3)."""

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError


def to_rgb(array: NDArray) -> NDArray[np.uint8]:
    """The user's own pixels as (H, W, 3) uint8.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4, the last alpha: laid over white); uint8,
            bool, or floats in [0, 1].

    Raises:
        ImageError: if shape, type or range are others.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(
            f"an image is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}"
        )
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif np.issubdtype(array.dtype, np.floating):
        array = _from_floats(array)
    elif array.dtype != np.uint8:
        raise ImageError(f"pixels are uint8, bool or floats in [0, 1], not {array.dtype}")
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint16)
        array = ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def _from_floats(array: NDArray) -> NDArray[np.uint8]:
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # written so that NaN fails, too
        raise ImageError(f"float pixels must be in [0, 1], not in [{low:.4g}, {high:.4g}]")
    return np.rint(array * 255).astype(np.uint8)
