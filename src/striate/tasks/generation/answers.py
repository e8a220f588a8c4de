"""A picture that was made, and how it is shown."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.tasks.contract import Output, Prediction

Pixels = NDArray[np.uint8]
OUTPUTS = (Output("image", "UINT8", (-1, -1, -1, 3)),)


class Answer(NamedTuple):
    """What was made of one input.

    Attributes:
        pixels: (H, W, 3).
        label: the number of the class that it was made for; None where none is told.
    """

    pixels: Pixels
    label: int | None = None


@dataclass(frozen=True, eq=False)
class Made(Prediction):
    """A picture that was made.

    Attributes:
        pixels: (H, W, 3) uint8.
        label: the name of the class it was made for; None where none is told.
    """

    pixels: Pixels | None = None
    label: str | None = None

    def picture(self) -> Pixels | None:
        return self.pixels

    def fields(self, top: int | None) -> dict[str, Any]:
        height, width = (0, 0) if self.pixels is None else self.pixels.shape[:2]
        told = {} if self.label is None else {"class": self.label}
        return {"width": width, "height": height, **told}

    def line(self, top: int | None) -> str:
        """`28 x 28`, and the class."""
        found = self.fields(top)
        told = "" if self.label is None else f" of {self.label}"
        return f"a picture{told}, {found['width']} x {found['height']} (--save FOLDER writes it)"


def png(pixels: Pixels) -> bytes:
    """Pixels (H, W, 3) as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def response(answer: Answer, names: Sequence[str]) -> dict[str, Any]:
    """`{"image": {"base64", "width", "height"}}`, a PNG; and its class as a concept."""
    height, width = answer.pixels.shape[:2]
    image = base64.b64encode(png(answer.pixels)).decode()
    found: dict[str, Any] = {"image": {"base64": image, "width": width, "height": height}}
    if answer.label is not None:
        name = names[answer.label]
        concept = {"id": name, "name": name, "value": 1.0, "app_id": "striate"}
        found["concepts"] = [concept]
    return found


def arrays(answers: Sequence[Answer]) -> Mapping[str, NDArray[Any]]:
    """OUTPUTS of a batch: all pictures of a predictor have one size."""
    return {"image": np.stack([answer.pixels for answer in answers])}
