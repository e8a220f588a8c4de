"""Pictures of more than 8 bits a pixel: which of their values is white."""

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError

DEPTHS = (8, 10, 12, 14, 16, 20, 24, 28, 32)  # bits that cameras and scanners have
FEWEST_OF_16 = 16  # of 256 levels: an RGB picture of 16 bits that has fewer uses 12 bits at most


def to_8_bits(values: NDArray) -> NDArray[np.uint8]:
    """Gray values (H, W) of more than 8 bits as uint8, by the bit depth that the largest implies.

    Twelve bits in a file of sixteen, as X-ray machines and microscopes write them, would be nearly
    black if the upper eight of sixteen counted. The depth is a matter of the file alone, so that it
    is the same wherever the picture is read.

    Raises:
        ImageError: if what is black and what is white cannot be known.
    """
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError("has pixels that are not finite numbers; save it with 8 or 16 bits")
    if low < 0:
        raise ImageError(
            f"has negative pixels ({low:,.6g} to {high:,.6g}), so that nobody knows what is black; "
            "save it with 8 or 16 bits"
        )
    if values.dtype.kind == "f":
        return _from_floats(values, float(high))
    return (values >> (bits_of(int(high)) - 8)).astype(np.uint8)


def bits_of(largest: int) -> int:
    """The smallest usual bit depth that holds a value.

    >>> [bits_of(value) for value in (0, 255, 256, 4095, 4096, 65535)]
    [8, 8, 10, 12, 14, 16]
    """
    return next(bits for bits in DEPTHS if largest < 2**bits)


def _from_floats(values: NDArray, high: float) -> NDArray[np.uint8]:
    if high <= 1:
        return np.rint(values * 255).astype(np.uint8)
    if not 2 <= high < 2**16:
        raise ImageError(
            f"float pixels must be in [0, 1], or in [0, 255] and so on up to 16 bits, not up to "
            f"{high:.4g}"
        )
    return (values / 2 ** (bits_of(int(high)) - 8)).astype(np.uint8)


def see_light(pixels: NDArray[np.uint8]) -> None:
    """Sees that a picture (H, W, 3) of 16 bits a channel, of which Pillow keeps the upper 8, has
    something left in them.

    Raises:
        ImageError: if not.
    """
    if pixels.max() < FEWEST_OF_16:
        raise ImageError(
            "has 16 bits a channel, of which no more than 12 are used, and would be black; save it "
            "with 8"
        )
