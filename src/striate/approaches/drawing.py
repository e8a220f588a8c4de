"""What a page of plain HTML can show without a script: curves as points, pictures as data."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.errors import ImageError

THUMBNAIL = 160  # pixels of the longer side
LEFT, TOP, WIDTH, HEIGHT = 48, 10, 358, 180  # of a learning curve's field, in its drawing
CORNER, SQUARE = 48, 200  # of the reliability diagram's field


def points(values: Sequence[float]) -> list[tuple[float, float]]:
    """Shares in [0, 1], from left to right over the field of a learning curve.

    >>> points([0.0, 1.0])
    [(48.0, 190.0), (406.0, 10.0)]
    """
    step = WIDTH / max(len(values) - 1, 1)
    return [
        (round(LEFT + step * k, 1), round(TOP + HEIGHT * (1 - share), 1))
        for k, share in enumerate(values)
    ]


def dots(
    probabilities: NDArray[np.float32], targets: NDArray[np.int64], *, bins: int = 10
) -> list[dict[str, float]]:
    """The reliability diagram (DeGroot & Fienberg 1983): a dot for each bin of sureness in use.

    `sure` and `right` are the means of the bin's `images`; x, y and r place it in the drawing.
    """
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == targets
    place = np.minimum((sure * bins).astype(int), bins - 1)
    found = []
    for number in np.unique(place):
        inside = place == number
        said, was = float(sure[inside].mean()), float(right[inside].mean())
        found.append(
            {
                "images": int(inside.sum()),
                "sure": said,
                "right": was,
                "x": round(CORNER + SQUARE * said, 1),
                "y": round(TOP + SQUARE * (1 - was), 1),
                "r": round(3 + 9 * float(np.sqrt(inside.mean())), 1),
            }
        )
    return found


def picture(dataset: Dataset, row: int) -> str | None:
    """A thumbnail as a data address; None if the file has gone meanwhile."""
    from PIL import Image

    try:
        image = Image.fromarray(dataset.images[row])
    except ImageError:
        return None
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    small = max(image.size) <= 64  # digits and icons: every pixel counts
    buffer = io.BytesIO()
    image.save(buffer, "PNG" if small else "JPEG", **({} if small else {"quality": 80}))
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
