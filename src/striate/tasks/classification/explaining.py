"""A heat map for a picture: what a class loses when a part of what the network is shown is hidden.

A square hides each part of the picture in turn; where the answer depends on a part, hiding it takes
probability away (Zeiler & Fergus 2014, Section 4.2).
"""

from functools import partial

from striate.errors import ModelError
from striate.models import Stages
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.visual_words import VisualWords
from striate.tasks.contract import Explained, Predictor
from striate.tasks.pictures.hiding import CELLS, PLACES, Floats, heat_map, hidden, spread
from striate.tasks.pictures.predictor import Pixels
from striate.visualize import approximate_occlusion, occlusion

SMALL = 64  # pixels; so small a picture is as quickly computed whole as in parts


def explain(
    predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
) -> Explained:
    """Hides a seventh of the picture at about 28 places each way.

    Args:
        data: of the picture's file.
        name: of the class; the most probable one where None.

    Raises:
        ModelError: if the predictor is an export.
        UnknownName: if there is no such class.
        ImageError: if the picture cannot be read.
    """
    if not isinstance(predictor, Classifier):
        raise ModelError("an export has no layers to look into")
    return heat_map(predictor, names, data, name, partial(lost_over_pixels, predictor))


def lost_over_pixels(predictor: Classifier, pixels: Pixels, target: int) -> Floats:
    """(S, S): for each pixel the mean loss over the squares that hide it."""
    side = len(pixels)
    size, model = max(1, side // 7), predictor.model
    if isinstance(predictor, VisualWords):
        stride = max(1, (side - size) // (PLACES - 1))
        return spread(lost_by_hiding(predictor, pixels, target, size, stride), side, size, stride)
    images, stride = predictor.preprocessing.tensor(pixels[None]), max(1, side // CELLS)
    if side > SMALL:
        maps = approximate_occlusion(model, images, target, size=size, stride=stride).maps
    else:
        maps = occlusion(model, images, target, size=size, stride=stride, incremental=False)
    return maps.over_pixels()


def lost_by_hiding(
    predictor: Classifier, pixels: Pixels, target: int, size: int, stride: int
) -> Floats:
    """How much of the probability of `target` each square takes away: (rows, columns).

    Args:
        pixels: (S, S, C), in the predictor's view.
    """
    side = len(pixels)
    if isinstance(predictor.model, Stages):
        image = predictor.preprocessing.tensor(pixels[None])
        maps = occlusion(
            predictor.model, image, target, size=size, stride=stride, incremental=side > SMALL
        )
        return maps.clean_probability - maps.probability
    return hidden(predictor, pixels, target, size, stride)
