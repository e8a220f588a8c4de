"""A heat map for a tag: what its probability loses when a part of the picture is hidden."""

from functools import partial

from striate.errors import ModelError
from striate.tasks.contract import Explained, Predictor
from striate.tasks.pictures.hiding import Floats, heat_map, hidden, spread
from striate.tasks.pictures.predictor import Pixels
from striate.tasks.tags.predictor import Tagger

PARTS = 7  # the square's side is a PARTS-th of the picture's
PLACES = 9  # of the square along a side


def explain(
    predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
) -> Explained:
    """Hides a seventh of the picture at 9 places each way.

    Args:
        data: of the picture's file.
        name: of the class; the most probable one where None.

    Raises:
        ModelError: if the predictor is an export.
        UnknownName: if there is no such class.
        ImageError: if the picture cannot be read.
    """
    if not isinstance(predictor, Tagger):
        raise ModelError("an export has no layers to look into")
    return heat_map(predictor, names, data, name, partial(lost, predictor))


def lost(predictor: Tagger, pixels: Pixels, target: int) -> Floats:
    """(S, S): for each pixel the mean loss over the squares that hide it."""
    side = len(pixels)
    size = max(1, side // PARTS)
    stride = max(1, (side - size) // (PLACES - 1))
    return spread(hidden(predictor, pixels, target, size, stride), side, size, stride)
