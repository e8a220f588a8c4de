"""What a picture looks like, in 144 numbers that survive resizing, compression and mirroring.

The lowest 12 x 12 frequencies of the gray picture's cosine transform, each multiplied by its
frequency, because natural pictures have amplitudes that fall with it (Field 1987), and the whole
made a unit vector: the product of two is the correlation of the pictures, whitened. Which of them
are clearly positive is a code of 144 bits (after the signs of Zauner 2010, "Implementation and
benchmarking of perceptual image hash functions", Section 3.2), and a mirrored picture changes only
the sign of the odd columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.images import View

VIEW = View(32, channels=1, fit="squash")  # all that has to be decoded of a picture
SIDE = 12  # frequencies across and down
BANDS = SIDE * SIDE // 16  # a code is that many numbers of 16 bits
FLAT = 1.0  # gray levels of deviation; below it a picture has no look
# Above it a number is positive: in a symmetric picture the odd columns are 0 but for the noise of
# compression, and their signs say nothing. 144 equal numbers would be 1/12.
CLEAR = 0.02
CHUNK = 2**22  # pixels that are transformed at a time
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
MIRROR = np.where(np.arange(SIDE) % 2, -1, 1).astype(np.float32)  # of the columns


@dataclass(frozen=True, eq=False)
class Looks:
    """How N pictures look.

    Attributes:
        vectors: (N, 144) float32 of length 1; of flat pictures, zeros.
        codes: (N, 9) uint16: which numbers are clearly positive, 16 bits to a number.
        flat: (N,) whether a picture has no look: its code says nothing.
    """

    vectors: NDArray[np.float32]
    codes: NDArray[np.uint16]
    flat: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.codes)


def looks(pixels: NDArray[np.uint8]) -> Looks:
    """The looks of pictures (N, S, S, C) uint8, C 1 or 3, of any size S."""
    vectors = np.zeros((len(pixels), SIDE * SIDE), np.float32)
    flat = np.zeros(len(pixels), np.bool_)
    size = pixels.shape[1]
    basis = cosines(size)
    rising = np.hypot(*np.indices((SIDE, SIDE), np.float32)).astype(np.float32)
    for rows, gray in _gray(pixels):
        flat[rows] = gray.std((1, 2)) < FLAT
        spectrum = (basis @ gray @ basis.T) * rising  # (n, 12, 12)
        lengths = np.sqrt((spectrum**2).sum((1, 2), keepdims=True))
        unit = spectrum / np.maximum(lengths, 1e-6)
        vectors[rows] = unit.reshape(len(unit), -1)
    vectors[flat] = 0
    return Looks(vectors, codes_of(vectors), flat)


def codes_of(vectors: NDArray[np.float32], *, above: float = CLEAR) -> NDArray[np.uint16]:
    """Which numbers of vectors (N, 144) are larger than `above`, as (N, 9) uint16; every band holds
    some of all frequencies."""
    bits = (vectors > above).reshape(-1, 16, BANDS).swapaxes(1, 2)  # bit k goes to band k mod 9
    high, low = np.packbits(bits, axis=2).astype(np.uint16).transpose(2, 0, 1)
    return high << 8 | low


def mirrored(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors (N, 144) of the same pictures, seen in a mirror."""
    return (vectors.reshape(-1, SIDE, SIDE) * MIRROR).reshape(vectors.shape)


def cosines(size: int) -> NDArray[np.float32]:
    """The lowest frequencies of the orthonormal DCT-II of `size` points: (12, size).

    What a small picture does not have is 0.
    """
    frequency, place = np.arange(SIDE)[:, None], np.arange(size)[None] + 0.5
    waves = np.cos(np.pi / size * frequency * place) * np.sqrt(2 / size)
    waves[0] /= np.sqrt(2)
    waves[size:] = 0
    return waves.astype(np.float32)


def _gray(pixels: NDArray[np.uint8]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    step = max(1, CHUNK // max(pixels[:1].size, 1))
    for first in range(0, len(pixels), step):
        rows = slice(first, first + step)
        some = pixels[rows].astype(np.float32)
        yield rows, some[..., 0] if some.shape[-1] == 1 else some @ LUMINANCE
