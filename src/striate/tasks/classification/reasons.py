"""What some right and wrong answers depend on: pictures with their occlusion maps, or with the maps
of a network that scores regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.errors import ImageError
from striate.images import apply, to_rgb
from striate.inference import device_of
from striate.models.weldon import Weldon
from striate.progress import track
from striate.tasks.classification.predictor import Classifier
from striate.tasks.labels.scores import Classified
from striate.tasks.pictures.hiding import PLACES, lost_by_hiding
from striate.visualize import heat
from striate.visualize.explaining import class_map

EACH = 3  # right answers, and wrong ones
PARTS = 5  # the square's side is a PARTS-th of the picture's


@dataclass(frozen=True, eq=False)
class Reason:
    """One answer, and the picture of what it depends on.

    Attributes:
        picture: (S, S, 3) uint8: the image in gray, the colors of the map over it.
        place: which of the scored examples.
        given: the class that was answered, by number.
    """

    picture: NDArray[np.uint8]
    place: int
    given: int
    right: bool


def reasons(
    predictor: Classifier,
    dataset: Dataset[Any],
    rows: Sequence[int],
    scores: Classified,
    *,
    each: int = EACH,
) -> list[Reason]:
    """Right answers of different classes, of middle confidence, and the most confident wrong ones.

    Args:
        rows: of the set, those that were scored, in order.
    """
    given = scores.given
    order = np.argsort(-scores.confidence, kind="stable").tolist()
    right = [place for place in order if scores.right[place]]
    right = right[len(right) // 2 :]  # the most confident do not depend on any one part
    _, first = np.unique(given[right], return_index=True)  # one of each class
    chosen = [right[number] for number in sorted(first)[:each]]
    chosen += [place for place in order if not scores.right[place]][:each]
    found = []
    for place in track(chosen, "what answers depend on"):
        try:
            image = dataset.inputs[rows[place]]
        except ImageError:  # its file has gone meanwhile
            continue
        pixels = apply(image, predictor.preprocessing.view)
        picture = _shown(predictor, pixels, int(given[place]))
        found.append(Reason(picture, place, int(given[place]), bool(scores.right[place])))
    return found


def _shown(predictor: Classifier, pixels: NDArray[np.uint8], target: int) -> NDArray[np.uint8]:
    """A picture (S, S, C) with what says that it is of a class."""
    if isinstance(predictor.model, Weldon):
        images = predictor.preprocessing.tensor(pixels[None], device_of(predictor.model))
        return heat(to_rgb(pixels), class_map(predictor.model, images, target), signed=True)
    size = max(1, len(pixels) // PARTS)
    stride = max(1, (len(pixels) - size) // (PLACES - 1))
    lost = lost_by_hiding(predictor, pixels, target, size, stride)
    return heat(to_rgb(pixels), lost, low=0.0, high=max(float(lost.max()), 0.01))
