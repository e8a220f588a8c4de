"""How a picture of any size becomes the square that a network takes: the one rule for everyone.

Training, evaluation and prediction all come through `render`, so they see the same pixels of the
same file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from striate.images.decoding import SCALES, Header, Shown, header, image_as, image_at
from striate.images.levels import depth_from
from striate.images.resampling import resample

GAP = 2  # a JPEG is decoded at a scale that leaves this many pixels for each that a view needs
GRAY = 128  # what `pad` puts around a picture


@dataclass(frozen=True)
class View:
    """How a picture of any size becomes (size, size, channels) uint8.

    Attributes:
        size: pixels of a side of the result.
        channels: 3 for RGB, 1 for luminance (ITU-R 601).
        fit: `crop` cuts the central square out of the picture, its side `fraction` of the shorter
            side; `squash` brings both sides to `size`; `pad` brings the longer side to `size` and
            centers the picture on gray.
        fraction: in (0, 1]; `crop` only. 0.875 is the usual 224 out of 256.
        bits: the depth of gray pictures of more than 8 bits, of which the upper 8 are kept; where
            None, of each the one that its brightest pixel implies.
    """

    size: int
    channels: int = 3
    fit: Literal["crop", "squash", "pad"] = "crop"
    fraction: float = 0.875
    bits: int | None = None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be 1 or more, not {self.size}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, not {self.channels}")
        if self.fit not in ("crop", "squash", "pad"):
            raise ValueError(f"fit must be 'crop', 'squash' or 'pad', not {self.fit!r}")
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction must be in (0, 1], not {self.fraction}")
        depth_from(self.bits)

    def keeps(self, height: int, width: int) -> bool:
        """Whether a picture of that size goes through with every pixel in its place."""
        whole = self.fit != "crop" or round(self.size / self.fraction) == self.size
        return whole and height == width == self.size

    def scale(self, picture: Header) -> int:
        """What the sides of a picture may be divided by while it is decoded: one of SCALES.

        Bicubic resampling of what is left, at least GAP pixels for one, gives nearly the pixels
        that the whole picture gives.
        """
        if not picture.scalable:
            return 1
        longer, shorter = max(picture[:2]), min(picture[:2])
        need = round(self.size / self.fraction) if self.fit == "crop" else self.size
        side = longer if self.fit == "pad" else shorter
        return next((scale for scale in SCALES if side >= scale * GAP * need), 1)


def render(data: bytes, views: Sequence[View]) -> list[NDArray[np.uint8]]:
    """The picture in the bytes of a file, as each view has it: (size, size, channels) uint8.

    A view holds the same pixels whichever others are asked for with it.

    Raises:
        ImageError: if they are no picture, a broken one, or too large; the text is the reason.
    """
    if not views:
        header(data)
        return []
    ways: list[tuple[int, int | None]] = []

    def first(head: Header) -> tuple[int, int | None]:
        ways.extend((view.scale(head), view.bits) for view in views)
        return ways[0]

    picture = image_as(data, first)
    pictures = {ways[0]: picture}
    for way in set(ways) - {ways[0]}:
        pictures[way] = image_at(data, way[0], bits=way[1])
    return [_seen(pictures[way], view) for way, view in zip(ways, views, strict=True)]


def apply(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """A picture (H, W, 3) uint8 as the view has it: (size, size, channels) uint8.

    Resizing is bicubic, antialiased where it shrinks.
    """
    from PIL import Image

    height, width = image.shape[:2]
    return _seen(Shown(Image.fromarray(image), (0, 0, width, height)), view)


def scaled(image: NDArray[np.uint8], side: int, channels: int = 3) -> NDArray[np.uint8]:
    """The whole of a picture (H, W, 3) uint8, its shorter side brought to `side` pixels:
    (h, w, channels) uint8, resized as `apply` does."""
    from PIL import Image

    height, width = image.shape[:2]
    size = (round(width * side / min(height, width)), round(height * side / min(height, width)))
    picture = image if channels == 3 else Image.fromarray(image).convert("L")
    return resample(picture, size).reshape(size[1], size[0], channels)


def resized(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A picture (H, W, 3) uint8 at that size, bicubic; the same array where it has it."""
    if image.shape[:2] == (height, width):
        return image
    return resample(image, (width, height))


def _seen(picture: Shown, view: View) -> NDArray[np.uint8]:
    left, top, right, bottom = picture.box
    width, height = right - left, bottom - top
    image = picture.image
    if view.channels == 1:
        image = image.convert("L")
    size = view.size, view.size
    whole = picture.box == (0, 0, *image.size)
    if whole and view.keeps(image.height, image.width):
        pixels = np.array(image)
    elif view.fit == "squash":
        pixels = resample(image, size, picture.box)
    elif view.fit == "crop":
        # Shorter side to round(size / fraction), then the central square: in one resampling.
        side = min(height, width) * view.size / round(view.size / view.fraction)
        x, y = left + (width - side) / 2, top + (height - side) / 2
        pixels = resample(image, size, (x, y, x + side, y + side))
    else:
        scale = view.size / max(height, width)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        inside = resample(image, inner, picture.box)
        x, y = (view.size - inner[0]) // 2, (view.size - inner[1]) // 2
        pixels = np.full((*size, *inside.shape[2:]), GRAY, np.uint8)
        pixels[y : y + inner[1], x : x + inner[0]] = inside
    return pixels.reshape(view.size, view.size, view.channels)
