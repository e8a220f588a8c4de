"""How a picture of any size comes to a detecting network: whole, at one scale, on a canvas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.images import resized
from striate.images.levels import depth_from
from striate.models import Normalization

STEP = 32  # pixels; a canvas is a multiple of it, so that every stride of the network divides it
MAX_SIDE = 4096


@dataclass(frozen=True)
class Scaling:
    """The scale of a picture, and the normalization of its pixels.

    Attributes:
        side: of the longer side in pixels, after scaling.
        stretched: to a square of that side, whatever the shape, as YOLO reads them.
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).
    """

    side: int
    normalization: Normalization
    stretched: bool = False
    bits: int | None = None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Scaling":
        """What `dataclasses.asdict` gave, after JSON.

        Raises:
            TypeError, KeyError, ValueError: if it is not of that form.
        """
        side, stretched = values["side"], values["stretched"]
        if type(side) is not int or not STEP <= side <= MAX_SIDE:
            raise ValueError(f"it reads pictures of {side!r} pixels")
        if type(stretched) is not bool:
            raise ValueError(f"its pictures are stretched: {stretched!r}")
        normalization = Normalization.from_json(values["normalization"])
        return cls(side, normalization, stretched, depth_from(values["bits"]))

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after scaling."""
        if self.stretched:
            return self.side, self.side
        scale = self.side / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 at `size`, bicubic."""
        return resized(pixels, *self.size(*pixels.shape[:2]))

    def canvas(
        self, pictures: Sequence[Tensor], *, sides: NDArray[np.int64] | None = None
    ) -> Tensor:
        """Pictures (3, H, W) in [0, 255] to what the network reads: (N, 3, height, width), each in
        the upper left corner, 0 (the mean color) beyond it.

        Args:
            sides: the largest height and width of a batch of which these are a part.
        """
        if sides is None:
            sides = np.array([picture.shape[1:] for picture in pictures]).max(0)
        height, width = (-(-int(side) // STEP) * STEP for side in sides)
        images = torch.zeros(len(pictures), 3, height, width)
        images = images.contiguous(memory_format=torch.channels_last)
        for image, picture in zip(images, pictures, strict=True):
            _, rows, columns = picture.shape
            image[:, :rows, :columns] = self.normalization(picture[None])[0]
        return images
