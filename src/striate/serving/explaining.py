"""A heat map for a picture: what the class loses when a part of what the network sees is hidden."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import UnknownName
from striate.images import View, to_rgb
from striate.images.decoding import Picture, decode_at, header
from striate.recognizer import Recognizer
from striate.serving.refusals import INVALID_REQUEST, NO_SUCH_PATH, Refused

CELLS = 28  # of the map, each way
SMALL = 64  # pixels; so small a picture is as quickly seen whole as in parts


@dataclass(frozen=True, eq=False)
class Explained:
    """Why a class was seen.

    Attributes:
        pixels: (S, S, 3) uint8, what the network sees.
        box: left, top, right, bottom of that, as shares of the upright picture's sides.
        map: (K, K), how much of the probability is lost where a cell is hidden.
    """

    class_name: str
    probability: float
    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    map: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """All but the pixels."""
        return {
            "class": self.class_name,
            "probability": self.probability,
            "box": [round(edge, 6) for edge in self.box],
            "map": [[round(float(value), 6) for value in row] for row in self.map],
            "largest": round(float(self.map.max()), 6),
        }

    def png(self) -> bytes:
        """The map over the picture."""
        from PIL import Image

        from striate.visualize import heat

        buffer = io.BytesIO()
        Image.fromarray(heat(self.pixels, self.map, signed=True)).save(buffer, "PNG")
        return buffer.getvalue()


def explain(recognizer: Any, data: bytes, class_name: str | None) -> Explained:
    """Hides a seventh of the picture at about 28 places each way.

    Raises:
        Refused: if the model has no layers to look into, or no such class.
        ImageError: if the picture cannot be read.
    """
    from striate.images import render
    from striate.visualize import approximate_occlusion, occlusion
    from striate.visualize.reading import class_number

    if not isinstance(recognizer, Recognizer):
        raise Refused(400, INVALID_REQUEST, "an exported file has no layers to look into")
    view = recognizer.preprocessing.view
    pixels = render(data, [view])[0]
    shares = recognizer.probabilities(pixels[None])[0]
    try:
        target = int(shares.argmax()) if class_name is None else class_number(
            recognizer.classes, class_name
        )  # fmt: skip
    except UnknownName as error:
        raise Refused(404, NO_SUCH_PATH, "no such class") from error
    model, images = recognizer.model, recognizer.preprocessing.tensor(pixels[None])
    size, stride = max(1, view.size // 7), max(1, view.size // CELLS)
    if view.size > SMALL:
        found = approximate_occlusion(model, images, target, size=size, stride=stride).maps
    else:
        found = occlusion(model, images, target, size=size, stride=stride, incremental=False)
    return Explained(
        recognizer.classes[target],
        float(shares[target]),
        to_rgb(pixels),
        seen(data, view),
        pooled(found.over_pixels()),
    )


def seen(data: bytes, view: View) -> tuple[float, float, float, float]:
    """What a view shows of a picture: left, top, right, bottom, as shares of its upright sides."""
    picture = decode_at(data, view.scale(header(data)))
    return box_of(picture, view)


def box_of(picture: Picture, view: View) -> tuple[float, float, float, float]:
    """The same of a decoded picture.

    >>> box_of(Picture(np.zeros((10, 20, 3), np.uint8), (0, 0, 20, 10)), View(5, fraction=1.0))
    (0.25, 0.0, 0.75, 1.0)
    """
    left, top, right, bottom = picture.box
    width, height = right - left, bottom - top
    if view.fit == "squash":
        return 0.0, 0.0, 1.0, 1.0
    if view.fit == "crop":
        side = min(height, width) * view.size / round(view.size / view.fraction)
    else:
        side = max(height, width)
    across, down = (1 - side / width) / 2, (1 - side / height) / 2
    return across, down, 1 - across, 1 - down


def pooled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over CELLS x CELLS cells of (S, S) numbers, or the numbers where they are so few."""
    side = len(values)
    values = np.nan_to_num(values)
    if side <= CELLS:
        return values
    edges = np.linspace(0, side, CELLS + 1).round().astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(values, edges, 0), edges, 1)
    sizes = np.diff(np.append(edges, side))
    return sums / np.outer(sizes, sizes)
