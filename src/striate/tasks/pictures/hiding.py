"""What is lost where a part of a picture is hidden, and how that is shown over the picture.

A square hides each part of the picture in turn; where the answer depends on a part, hiding it takes
probability away (Zeiler & Fergus 2014, Section 4.2).
"""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from striate.errors import ModelError
from striate.files import read_bytes
from striate.handcrafted import BagOfVisualWords
from striate.images import View, to_rgb
from striate.images.decoding import Picture, decode_at, header
from striate.models import Stages
from striate.models.dbn import Directed
from striate.models.rbm import RBM
from striate.tasks.contract import Explained, Predictor
from striate.tasks.pictures.predictor import PicturePredictor, Pixels
from striate.visualize import approximate_occlusion, heat, occlusion
from striate.visualize.explaining import Explanation
from striate.visualize.reading import class_number

CELLS = 28  # of the map, each way
PARTS = 7  # the square's side is a PARTS-th of the picture's
SMALL = 64  # pixels; so small a picture is as quickly computed whole as in parts
SHOWN = 256  # pixels that a small picture is brought to, about
LARGEST = 2**28  # bytes of a picture's file
PLACES = 13  # of the square along a side, where every hidden picture is computed whole
FULL = (nn.Flatten, nn.Linear, nn.Sigmoid, Directed, RBM)  # what makes no feature maps
Floats = NDArray[np.float64]


def explain(
    predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
) -> Explained:
    """Where in a picture lies what is said of it: hides a seventh of it at about 28 places each
    way.

    Args:
        data: of the picture's file.
        name: of the class; the most probable one where None.

    Raises:
        ModelError: if the predictor is an export.
        UnknownName: if there is no such class.
        ImageError: if the picture cannot be read.
    """
    if not isinstance(predictor, PicturePredictor):
        raise ModelError("an export has no layers to look into")
    pixels = predictor.prepare(data)
    probabilities = predictor.answers(pixels[None])[0][0]
    target = int(probabilities.argmax()) if name is None else class_number(names, name)
    return Explained(
        names[target],
        float(probabilities[target]),
        to_rgb(pixels),
        shown(data, predictor.preprocessing.view),
        pooled(lost_over_pixels(predictor, pixels, target)),
    )


def page(predictor: Predictor, names: tuple[str, ...], item: str, name: str | None) -> Explanation:
    """The same as a picture: the file's, in gray, red where hiding takes most away.

    Raises:
        UserError: as `explain`, and if the file cannot be read.
    """
    found = explain(predictor, names, read_bytes(item, limit=LARGEST), name)
    side = len(found.pixels)
    cells = np.arange(side) * len(found.map) // side
    lost = np.nan_to_num(found.map[np.ix_(cells, cells)])
    drawn = heat(found.pixels, lost, low=0.0, high=max(float(lost.max()), 0.01))
    zoom = max(1, SHOWN // side)
    return Explanation(
        drawn.repeat(zoom, 0).repeat(zoom, 1),
        {"class": found.name, "probability": found.probability},
    )


def lost_over_pixels(predictor: PicturePredictor, pixels: Pixels, target: int) -> Floats:
    """(S, S): for each pixel the mean loss over the squares that hide it."""
    side, model = len(pixels), predictor.model
    size = max(1, side // PARTS)
    if not mapped(model):
        stride = max(1, (side - size) // (PLACES - 1))
        return spread(lost_by_hiding(predictor, pixels, target, size, stride), side, size, stride)
    images, stride = predictor.preprocessing.tensor(pixels[None]), max(1, side // CELLS)
    if side > SMALL:
        maps = approximate_occlusion(
            model, images, target, size=size, stride=stride,
            probabilities=predictor.probabilities,
        ).maps  # fmt: skip
    else:
        maps = occlusion(
            model, images, target, size=size, stride=stride, incremental=False,
            probabilities=predictor.probabilities,
        )  # fmt: skip
    return maps.over_pixels()


def lost_by_hiding(
    predictor: PicturePredictor, pixels: Pixels, target: int, size: int, stride: int
) -> Floats:
    """How much of the probability of `target` each square takes away: (rows, columns).

    Args:
        pixels: (S, S, C), in the predictor's view.
    """
    side = len(pixels)
    if isinstance(predictor.model, Stages) and mapped(predictor.model):
        image = predictor.preprocessing.tensor(pixels[None])
        maps = occlusion(
            predictor.model, image, target, size=size, stride=stride, incremental=side > SMALL,
            probabilities=predictor.probabilities,
        )  # fmt: skip
        return maps.clean_probability - maps.probability
    return hidden(predictor, pixels, target, size, stride)


def mapped(model: nn.Module) -> bool:
    """Whether it has feature maps, which occlusion reads on the way: not visual words, nor networks
    of full connections alone."""
    full = all(isinstance(layer, FULL) for layer in model.modules() if not list(layer.children()))
    return not (isinstance(model, BagOfVisualWords) or full)


def hidden(
    predictor: PicturePredictor, pixels: Pixels, target: int, size: int, stride: int
) -> Floats:
    """How much of the probability of `target` each square takes away: (rows, columns).

    Every hidden picture is computed whole, whatever the predictor.

    Args:
        pixels: (S, S, C), in the predictor's view.
    """
    starts = range(0, len(pixels) - size + 1, stride)
    views = np.repeat(pixels[None], 1 + len(starts) ** 2, axis=0)
    mean = pixels.mean((0, 1)).round().astype(np.uint8)
    for number, (top, left) in enumerate(((t, c) for t in starts for c in starts), 1):
        views[number, top : top + size, left : left + size] = mean
    probabilities = predictor.answers(views)[0][:, target].astype(float)
    return (probabilities[0] - probabilities[1:]).reshape(len(starts), len(starts))


def spread(values: Floats, side: int, size: int, stride: int) -> Floats:
    """Losses (rows, columns) of squares as means over the squares that hide each pixel (S, S)."""
    total, count = np.zeros((side, side)), np.zeros((side, side))
    for row, top in zip(values, range(0, side, stride), strict=False):
        for value, left in zip(row, range(0, side, stride), strict=False):
            total[top : top + size, left : left + size] += value
            count[top : top + size, left : left + size] += 1
    return np.divide(total, count, out=np.full((side, side), np.nan), where=count > 0)


def shown(data: bytes, view: View) -> tuple[float, float, float, float]:
    """What a view shows of a picture: left, top, right, bottom, as shares of its upright sides."""
    return box_of(decode_at(data, view.scale(header(data))), view)


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


def pooled(values: Floats) -> Floats:
    """Means over CELLS x CELLS cells of (S, S) numbers, or the numbers where they are so few."""
    side = len(values)
    values = np.nan_to_num(values)
    if side <= CELLS:
        return values
    edges = np.linspace(0, side, CELLS + 1).round().astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(values, edges, 0), edges, 1)
    sizes = np.diff(np.append(edges, side))
    return sums / np.outer(sizes, sizes)
