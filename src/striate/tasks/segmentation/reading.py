"""How a picture of any size comes to a segmenting network: at its own scale, or at one it knows."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import images
from striate.models import Normalization

MAX_SIDE = 4096
MEAN, DEVIATION = 96.0, 24.0  # of an evened channel: from 4 deviations below to 6 above are kept
STRIP = 2**20  # pixels that are counted at a time


@dataclass(frozen=True)
class Reading:
    """The scale of a picture, and the normalization of its pixels.

    Attributes:
        side: of the longer side in pixels, after scaling; None: pictures keep their own scale.
        evened: whether each channel of each picture is first brought to the same mean and
            deviation: light, exposure and stain then hardly matter.
    """

    side: int | None
    normalization: Normalization
    evened: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` turns back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Reading":
        """What `to_json` gave, after JSON.

        Raises:
            TypeError, KeyError, ValueError: if it is not of that form.
        """
        side = values["side"]
        if side is not None and (type(side) is not int or not 16 <= side <= MAX_SIDE):
            raise ValueError(f"it reads pictures of {side!r} pixels")
        evened = values.get("evened", False)
        if type(evened) is not bool:
            raise ValueError(f"whether it evens pictures is {evened!r}")
        return cls(side, Normalization.from_json(values["normalization"]), evened)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after scaling."""
        if self.side is None:
            return height, width
        scale = self.side / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 at `size`, bicubic."""
        pixels = even(pixels) if self.evened else pixels
        return images.resized(pixels, *self.size(*pixels.shape[:2]))


def even(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 with each channel at MEAN and DEVIATION, or less where it hardly varies.

    >>> even(np.array([[[0] * 3, [100] * 3]], np.uint8)).tolist()
    [[[72, 72, 72], [120, 120, 120]]]
    """
    found = np.empty_like(pixels)
    values = np.arange(256)
    rows = max(1, STRIP // max(1, pixels.shape[1]))
    strips = [slice(first, first + rows) for first in range(0, len(pixels), rows)]
    for channel in range(pixels.shape[2]):
        counts = np.zeros(256, np.int64)
        for strip in strips:  # counting takes eight bytes for each pixel
            counts += np.bincount(pixels[strip, :, channel].ravel(), minlength=256)
        mean = counts @ values / counts.sum()
        deviation = max(1.0, np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))
        table = np.rint((values - mean) * (DEVIATION / deviation) + MEAN).clip(0, 255)
        table = table.astype(np.uint8)
        for strip in strips:
            found[strip, :, channel] = table[pixels[strip, :, channel]]
    return found


def nearest(labels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Class numbers (H, W) at that size: each pixel takes that of the place it covers."""
    if (height, width) == labels.shape:
        return labels
    rows = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(np.int64)
    return labels[rows[:, None], columns]
