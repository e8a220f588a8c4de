"""Layers taken out of a network and the rest joined again (Zeiler & Fergus 2013, Section 5.1).

Joining is general: the changed network is run once on tensors without contents, and every
convolution or full connection that now reads another width is built anew for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.stages import Stages
from striate.models.surgery import check_name, decision, fresh, named, replace


def without(model: nn.Module, *layers: str, image_size: int | None = None) -> nn.Module:
    """A copy of a network without some of its layers; what remains keeps its weights.

    Layers that now read another width start afresh, with He's initialization.

    Args:
        model: one of ours; another module must hold the layers in `nn.Sequential`s.
        layers: names of stages ("fc6", "conv3") or dotted names of parts ("stage3.1").
        image_size: height and width of the images; what it was built for where None.

    Raises:
        UnknownName: if there is no such layer.
        ModelError: if what remains cannot be joined.

    >>> from striate.models import create
    >>> smaller = without(create("alexnet_single"), "fc7")
    >>> smaller.fc8.in_features
    4096
    """
    last = decision(model)[0]
    for layer in layers:
        check_name(model, layer)
        if last == layer or last.startswith(layer + "."):
            raise ModelError(f"{layer} gives the logits; replace_head changes it, it cannot go")
    copy = deepcopy(model)
    for layer in layers:
        take_out(copy, layer)
    return rejoin(copy, image_size, "without " + ", ".join(layers))


def take_out(model: nn.Module, layer: str) -> None:
    """Removes a layer from the sequence that holds it.

    Raises:
        ModelError: if it stands in no sequence, so that nothing says what would follow what.
    """
    if isinstance(model, Stages) and layer in model.stage_names:
        model.stage_names = [name for name in model.stage_names if name != layer]
        del model._modules[layer]
        return
    parent, _, child = layer.rpartition(".")
    holder = model.get_submodule(parent)
    if not isinstance(holder, nn.Sequential):
        raise ModelError(
            f"{layer} is a part of {type(holder).__name__}, not one of a sequence of layers: "
            "no join exists without it"
        )
    del holder._modules[child]
    for first in holder.children():  # what was second must not change its new input in place
        if hasattr(first, "inplace"):
            setattr(first, "inplace", False)  # noqa: B010
        break


def rejoin(model: nn.Module, image_size: int | None, what: str) -> nn.Module:
    """Builds anew, in place, every layer that reads another width than it was made for."""
    if image_size is None:
        image_size = model.image_size if isinstance(model, Stages) else None
    if image_size is None:
        raise ModelError(f"how large are the images of {named(model)}? give image_size")
    skeleton = deepcopy(model).to("meta").eval()
    entrance = next(m for m in skeleton.modules() if isinstance(m, nn.Conv2d | nn.Linear))
    if isinstance(entrance, nn.Linear):
        shape: tuple[int, ...] = (1, entrance.in_features)
    else:
        channels = model.channels if isinstance(model, Stages) else entrance.in_channels
        shape = (1, channels, image_size, image_size)
    with torch.no_grad(), widening(skeleton) as changed:
        try:
            skeleton(torch.empty(shape, device="meta"))
        except (RuntimeError, ModelError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{named(model)} {what} cannot be joined: {reason}") from error
    for name, width in changed.items():
        old = model.get_submodule(name)
        assert isinstance(old, nn.Linear | nn.Conv2d)
        replace(model, name, widened(old, width))
    return model


@contextmanager
def widening(skeleton: nn.Module) -> Iterator[dict[str, int]]:
    """Makes every layer of a network without contents as wide as what comes in; notes which."""
    changed: dict[str, int] = {}

    def check(name: str) -> Any:
        def before(layer: nn.Linear | nn.Conv2d, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0]
            if isinstance(layer, nn.Linear) and x.ndim != 2:
                shape = tuple(x.shape[1:])
                raise ModelError(f"{name} reads vectors and would get maps {shape}")
            width = x.shape[1]
            if width == (layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels):
                return
            layer.weight = widened(layer, width).weight
            setattr(layer, "in_features" if isinstance(layer, nn.Linear) else "in_channels", width)
            changed[name] = width

        return before

    handles = [
        layer.register_forward_pre_hook(check(name))
        for name, layer in skeleton.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    try:
        yield changed
    finally:
        for handle in handles:
            handle.remove()


def widened(layer: nn.Linear | nn.Conv2d, width: int) -> nn.Linear | nn.Conv2d:
    """The same layer for inputs of another width, with fresh weights."""
    if isinstance(layer, nn.Linear):
        new: nn.Linear | nn.Conv2d = fresh(layer, width, layer.out_features)
    else:
        if width % layer.groups:
            raise ModelError(f"a convolution of {layer.groups} groups cannot read {width} channels")
        new = type(layer)(
            width,
            layer.out_channels,
            layer.kernel_size,  # type: ignore[arg-type]
            layer.stride,  # type: ignore[arg-type]
            layer.padding,  # type: ignore[arg-type]
            layer.dilation,  # type: ignore[arg-type]
            layer.groups,
            layer.bias is not None,
            device=layer.weight.device,
            dtype=layer.weight.dtype,
        )
    nn.init.kaiming_normal_(new.weight, nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    return new
