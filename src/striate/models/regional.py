"""A network whose classifier sees where in the picture things are: a spatial pyramid of rows.

Of a photograph, the last map is averaged over strips before the classifier reads it, and not over
the whole alone: small things are not lost in a large average.
"""

from collections import OrderedDict

import torch
from torch import nn

from striate.errors import ModelError
from striate.layers.row_pooling import RowPooling
from striate.models.stages import Stages
from striate.models.surgery import named

Rows = tuple[int, ...]
MOST_ROWS = 64  # strips in all; more than a map has lines say nothing new


def regional(model: nn.Module, rows: Rows, *, classes: int) -> Stages:
    """The network up to its last map, means over strips of that, and a fresh linear classifier.

    The layers below are the model's own, not copies.

    Args:
        model: one of ours.
        rows: as `RowPooling` takes them.

    Raises:
        ModelError: if it is no network of ours, or has no map of several places.
        ValueError: if the rows are not at least 1 each, or far too many.
    """
    if not isinstance(model, Stages) or model.image_size is None:
        raise ModelError(f"{named(model)} has no stages between which it could be cut")
    if sum(rows) > MOST_ROWS:
        raise ValueError(f"it has {sum(rows):,} strips, and at most {MOST_ROWS} are of use")
    last, channels = last_map(model)
    kept: OrderedDict[str, nn.Module] = OrderedDict()
    for name, stage in model.stages():
        kept[name] = stage
        if name == last:
            break
    device = next(model.parameters()).device
    kept["strips"] = RowPooling(rows)
    kept["classifier"] = nn.Linear(channels * sum(rows), classes, device=device)
    found = Stages(kept, channels=model.channels)
    found.name, found.image_size = model.name, model.image_size
    return found


def last_map(model: Stages) -> tuple[str, int]:
    """The last stage that gives a map of several places, and its channels.

    Raises:
        ModelError: if there is none.
    """
    assert model.image_size is not None
    size = model.image_size
    meta = next(model.parameters()).device.type == "meta"
    shapes: dict[str, torch.Size] = {}
    handles = [
        stage.register_forward_hook(
            lambda module, inputs, output, name=name: shapes.update({name: output.shape})
        )
        for name, stage in model.stages()
    ]
    was = model.training
    try:
        with torch.no_grad():
            device = "meta" if meta else "cpu"
            model.eval()(torch.zeros(1, model.channels, size, size, device=device))
    finally:
        model.train(was)
        for handle in handles:
            handle.remove()
    maps = {name: shape for name, shape in shapes.items() if len(shape) == 4 and shape[2] > 1}
    if not maps:
        raise ModelError(f"{named(model)} gives no map of several places")
    name = list(maps)[-1]
    return name, maps[name][1]
