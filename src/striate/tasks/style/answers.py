"""What is made of a picture: another picture, and where it was judged what it is worth."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.tasks.contract import Output, Prediction

Pixels = NDArray[np.uint8]
OUTPUTS = (Output("pixels", "UINT8", (-1, 3)), Output("sizes", "INT64", (-1, 2)))
"""The pixels of all pictures one after another, row by row, and their heights and widths."""


class Judged(NamedTuple):
    """Losses of a painted photograph, as `PerceptualLoss` weighs them, and `plain`: the style loss
    of the photograph itself, whose content loss is 0."""

    content: float
    style: float
    plain: float

    @property
    def gain(self) -> float:
        """The share of the photograph's loss that is gone; below 0 where it has grown."""
        return 1 - (self.content + self.style) / self.plain

    @property
    def removed(self) -> float:
        """The same in [0, 1]."""
        return min(1.0, max(0.0, self.gain))


class Answer(NamedTuple):
    """A painted picture (H, W, 3) uint8."""

    pixels: Pixels
    judged: Judged | None = None


@dataclass(frozen=True, eq=False)
class Painted(Prediction):
    """A painted picture (H, W, 3) uint8."""

    pixels: Pixels | None = None

    def picture(self) -> Pixels | None:
        return self.pixels

    def fields(self, top: int | None) -> dict[str, Any]:
        height, width = (0, 0) if self.pixels is None else self.pixels.shape[:2]
        return {"width": width, "height": height}

    def line(self, top: int | None) -> str:
        """`painted, 640 x 480`."""
        fields = self.fields(top)
        return f"painted, {fields['width']} x {fields['height']}"


def as_png(pixels: Pixels) -> bytes:
    """(H, W, 3) uint8 as a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def response(answer: Answer) -> dict[str, Any]:
    """`{"image": {"base64", "width", "height"}}`: a PNG."""
    height, width = answer.pixels.shape[:2]
    image = base64.b64encode(as_png(answer.pixels)).decode()
    return {"image": {"base64": image, "width": width, "height": height}}


def arrays(answers: Sequence[Answer]) -> Mapping[str, NDArray[Any]]:
    """OUTPUTS of a batch."""
    flat = [answer.pixels.reshape(-1, 3) for answer in answers]
    sizes = [answer.pixels.shape[:2] for answer in answers]
    return {
        "pixels": np.concatenate([np.empty((0, 3), np.uint8), *flat]),
        "sizes": np.array(sizes, np.int64).reshape(-1, 2),
    }
