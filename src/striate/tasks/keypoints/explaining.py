"""Which parts of a picture a point depends on: what of its heat is lost where a square is hidden
(Zeiler & Fergus 2014, Section 4.2)."""

from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate import images as pictures
from striate.errors import ModelError, UnknownName
from striate.inference import evaluating
from striate.models.heat_maps import HeatMaps
from striate.ops.peaks import AROUND
from striate.progress import track
from striate.tasks.contract import Explained, Predictor
from striate.tasks.keypoints.finder import Finder

PLACES = 17  # of the square along a side
SHARE = 7  # the square is such a part of the side
AT_ONCE = 16

Floats = NDArray[np.float64]


def explain(
    predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
) -> Explained:
    """Hides a seventh of the picture, each way, at PLACES places each way.

    Args:
        data: of the picture's file.
        name: of the part; the one that is most sure where None.

    Raises:
        ModelError: if the predictor gives no heat maps.
        UnknownName: if there is no such part.
        ImageError: if the picture cannot be read.
    """
    finder = with_maps(predictor)
    one = finder.prepare(data)
    scores = finder.predict([one])[0].scores
    if name is not None and name not in names:
        raise UnknownName("part", name, names)
    part = int(scores.argmax()) if name is None else names.index(name)
    lost = lost_by_hiding(finder, one.pixels, part)
    side = max(one.height, one.width)
    across, down = (1 - side / one.width) / 2, (1 - side / one.height) / 2
    box = (across, down, 1 - across, 1 - down)
    return Explained(names[part], float(scores[part]), one.pixels, box, lost)


def with_maps(predictor: Predictor) -> Finder:
    """One that gives heat maps.

    Raises:
        ModelError: if it does not.
    """
    if not (isinstance(predictor, Finder) and isinstance(predictor.model, HeatMaps)):
        raise ModelError("only heat maps tell what a point depends on; this gives places alone")
    return predictor


def lost_by_hiding(finder: Finder, pixels: NDArray[np.uint8], part: int) -> Floats:
    """(PLACES, PLACES): how much of a part's heat, about where it was found, each square takes
    away; the square has the mean color of the picture. A network that looks twice looks where it
    does without the square."""
    side = len(pixels)
    windows = windows_of(finder, pixels)
    size = max(1, side // SHARE)
    starts = np.linspace(0, side - size, PLACES).round().astype(int).tolist()
    places = [(top, left) for top in starts for left in starts]
    color = pixels.mean((0, 1)).round().astype(np.uint8)
    clean = heat(finder, pixels[None], part, windows)[0]
    row, column = np.unravel_index(int(clean.argmax()), clean.shape)
    near = (
        slice(max(0, row - AROUND), row + AROUND + 1),
        slice(max(0, column - AROUND), column + AROUND + 1),
    )
    before = float(clean[near].sum())
    lost = []
    for first in track(range(0, len(places), AT_ONCE), "hide parts"):
        some = places[first : first + AT_ONCE]
        views = np.repeat(pixels[None], len(some), 0)
        for view, (top, left) in zip(views, some, strict=True):
            view[top : top + size, left : left + size] = color
        found = heat(finder, views, part, windows)
        lost += [before - float(each[near].sum()) for each in found]
    return np.array(lost).reshape(PLACES, PLACES)


def windows_of(finder: Finder, pixels: NDArray[np.uint8]) -> Tensor | None:
    """(1, 3): where a network that looks twice looks in a picture (S, S, 3)."""
    model = cast(HeatMaps, finder.model.to(finder.device))
    if not model.twice:
        return None
    with evaluating(model):
        return model.windows(finder.preprocessing.tensor(pixels[None], finder.device))


def heat(finder: Finder, pixels: NDArray[np.uint8], part: int, windows: Tensor | None) -> Floats:
    """(N, h, w) of sum 1: where a part may be in pictures (N, S, S, 3), or in a window of all."""
    model = cast(HeatMaps, finder.model.to(finder.device))
    with evaluating(model):
        images = finder.preprocessing.tensor(pixels, finder.device)
        each = None if windows is None else windows.expand(len(images), -1)
        maps = model.maps(images, each)[:, part].double()
    return maps.flatten(1).softmax(1).view_as(maps).cpu().numpy()


def page(
    predictor: Predictor, names: tuple[str, ...], item: str, name: str | None
) -> tuple[NDArray[np.uint8], dict[str, object]]:
    """The map over the picture, and what was found."""
    from striate.visualize import heat as painted

    found = explain(predictor, names, pictures.load(item), name)
    row, column = np.unravel_index(int(found.map.argmax()), found.map.shape)
    drawn = painted(found.pixels, found.map, signed=True)
    facts = {
        "part": found.name,
        "probability": found.probability,
        "most_lost": float(found.map.max()),
        "where": [int(row), int(column)],
    }
    return drawn, facts
