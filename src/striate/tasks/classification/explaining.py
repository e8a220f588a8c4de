"""A heat map for a picture: what a class loses when a part of what the network is shown is hidden.

A square hides each part of the picture in turn; where the answer depends on a part, hiding it takes
probability away (Zeiler & Fergus 2014, Section 4.2).
"""

from striate.errors import ModelError
from striate.images import to_rgb
from striate.models import Stages
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.visual_words import VisualWords
from striate.tasks.contract import Explained, Predictor
from striate.tasks.pictures.hiding import CELLS, PLACES, Floats, hidden, pooled, shown, spread
from striate.tasks.pictures.predictor import Pixels
from striate.visualize import approximate_occlusion, occlusion
from striate.visualize.reading import class_number

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
    view = predictor.preprocessing.view
    pixels = predictor.prepare(data)
    probabilities = predictor.answers(pixels[None])[0][0]
    target = int(probabilities.argmax()) if name is None else class_number(names, name)
    return Explained(
        names[target],
        float(probabilities[target]),
        to_rgb(pixels),
        shown(data, view),
        pooled(lost_over_pixels(predictor, pixels, target)),
    )


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
