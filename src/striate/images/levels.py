"""Pictures of more than 8 bits a pixel: which of their values is white."""

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError

DEPTHS = (8, 10, 12, 14, 16, 20, 24, 28, 32)  # bits that cameras and scanners have
FEWEST_OF_16 = 16  # of 256 levels: an RGB picture of 16 bits that has fewer uses 12 bits at most


def to_8_bits(values: NDArray, bits: int | None = None) -> NDArray[np.uint8]:
    """Gray values (H, W) of more than 8 bits as uint8.

    Twelve bits in a file of sixteen, as X-ray machines and microscopes write them, would be nearly
    black if the upper eight of sixteen counted.

    Args:
        bits: the depth, of which the upper 8 are kept; what is brighter is white. Where None, it is
            the one that the largest value implies, so that a dim picture looks brighter than it is.

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
        return _from_floats(values, float(high), bits)
    bits = bits or bits_of(int(high))
    if high >= 2**bits:
        values = np.minimum(values, 2**bits - 1)
    return (values >> (bits - 8)).astype(np.uint8)


def implied(values: NDArray) -> int | None:
    """The bit depth that gray values imply; None for floats in [0, 1], and where there is none."""
    low, high = values.min(), values.max()
    if not 0 <= low <= high < 2 ** DEPTHS[-1] or (values.dtype.kind == "f" and high <= 1):
        return None
    return bits_of(int(high))


def depth_from(value: object) -> int | None:
    """A bit depth of a file; None where it holds none.

    Raises:
        ValueError: if it is neither.
    """
    if value is None or (type(value) is int and value in DEPTHS):
        return value
    raise ValueError(f"bits must be one of {DEPTHS}, not {value!r}")


def bits_of(largest: int) -> int:
    """The smallest usual bit depth that holds a value.

    >>> [bits_of(value) for value in (0, 255, 256, 4095, 4096, 65535)]
    [8, 8, 10, 12, 14, 16]
    """
    return next(bits for bits in DEPTHS if largest < 2**bits)


def _from_floats(values: NDArray, high: float, bits: int | None) -> NDArray[np.uint8]:
    if bits is not None:
        return np.minimum(values / 2 ** (bits - 8), 255).astype(np.uint8)
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
