"""The numbers in a file that is not to be seen but read: class numbers, palette entries, colors.

A picture's pixels are brought to RGB; here they stay what they are. A palette is kept beside them,
for it may name colors that mean classes.
"""

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError
from striate.images.decoding import load, opened

LOSSY = ("JPEG", "MPO", "JPEG2000")
LOSSY_WEBP = b"VP8 "  # the chunk; that without loss is VP8L


class Values(NamedTuple):
    """What stands in the file of a mask.

    Attributes:
        pixels: (H, W) uint8 numbers or palette entries, or (H, W, 3) uint8 colors.
        palette: (K, 3) uint8 colors of the entries; None where there is no palette.
        lossy: whether it was compressed in a way that changes numbers, as JPEG is.
    """

    pixels: NDArray[np.uint8]
    palette: NDArray[np.uint8] | None = None
    lossy: bool = False


def read_values(path: str | os.PathLike[str]) -> Values:
    """The numbers in a file; transparency and color profiles are not looked at.

    Raises:
        ImageError: if it cannot be read, or holds numbers above 255.
    """
    data = load(path)
    with opened(data) as image:
        lossy = image.format in LOSSY or (image.format == "WEBP" and LOSSY_WEBP in data)
        if image.mode == "1":
            return Values(np.asarray(image).astype(np.uint8))
        if image.mode == "P":
            colors = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
            return Values(np.asarray(image), colors, lossy)
        if image.mode in ("L", "LA"):
            return Values(np.asarray(image.getchannel(0)), None, lossy)
        if image.mode.startswith("I"):
            return Values(_small(np.asarray(image)))
        if image.mode == "F":
            raise ImageError("holds fractions, not class numbers; save whole numbers of 8 bits")
        colors = np.asarray(image.convert("RGB"))
        if (colors == colors[..., :1]).all():  # gray that was saved as color
            return Values(np.ascontiguousarray(colors[..., 0]), None, lossy)
        return Values(colors, None, lossy)


def _small(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Numbers of more than 8 bits, if 8 bits hold them."""
    if values.size and (values.min() < 0 or values.max() > 255):
        raise ImageError(
            f"has more than 8 bits a pixel, with numbers up to {values.max():,}, such as those of "
            "single objects; save class numbers from 0 to 254, and 255 for void"
        )
    return values.astype(np.uint8)
