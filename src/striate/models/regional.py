"""A network whose classifier sees where in the picture things are, and small things, too.

It reads the last map's mean and its maxima over strips (`StripPooling`), not the mean alone, in
which small things are lost.
"""

from collections import OrderedDict

import torch
from torch import nn

from striate.errors import ModelError
from striate.layers.strip_pooling import StripPooling
from striate.models.skeletons import hollow
from striate.models.stages import Stages
from striate.models.surgery import named

MOST = 64  # strips; more than a map has lines say nothing new


def regional(model: nn.Module, strips: int, *, classes: int) -> Stages:
    """The network up to its last map, `StripPooling` of that, and a fresh linear classifier.

    The layers below are the model's own, not copies.

    Args:
        model: one of ours.
        strips: as `StripPooling` takes them.

    Raises:
        ModelError: if it is no network of ours, or has no map of several places.
        ValueError: if there is not one strip, or far too many.
    """
    if not isinstance(model, Stages) or model.image_size is None:
        raise ModelError(f"{named(model)} has no stages between which it could be cut")
    if strips > MOST:
        raise ValueError(f"it has {strips:,} strips, and at most {MOST} are of use")
    last, channels = last_map(model)
    kept: OrderedDict[str, nn.Module] = OrderedDict()
    for name, stage in model.stages():
        kept[name] = stage
        if name == last:
            break
    device = next(model.parameters()).device
    kept["strips"] = StripPooling(strips)
    kept["classifier"] = nn.Linear(channels * (1 + strips), classes, device=device)
    found = Stages(kept, channels=model.channels)
    found.name, found.image_size = model.name, model.image_size
    return found


def last_map(model: Stages) -> tuple[str, int]:
    """The last stage that gives a map of several places, and its channels.

    Raises:
        ModelError: if there is none.
    """
    return list(maps_of(model).items())[-1]


def maps_of(model: Stages) -> dict[str, int]:
    """The stages that give a map of several places, in order, each with its channels.

    Raises:
        ModelError: if there is none.
    """
    assert model.image_size is not None
    size = model.image_size
    form = hollow(model)
    shapes: dict[str, torch.Size] = {}
    for name, stage in form.stages():
        stage.register_forward_hook(
            lambda module, inputs, output, name=name: shapes.update({name: output.shape})
        )
    with torch.no_grad():
        form(torch.empty(0, model.channels, size, size, device="cpu"))
    maps = {name: shape[1] for name, shape in shapes.items() if len(shape) == 4 and shape[2] > 1}
    if not maps:
        raise ModelError(f"{named(model)} gives no map of several places")
    return maps
