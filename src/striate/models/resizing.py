"""Networks made for one size of image, made to read any: by pooling to a grid, or by sliding."""

from copy import deepcopy
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.removal import rejoin
from striate.models.skeletons import hollow, skeleton
from striate.models.stages import Stages
from striate.models.surgery import named, replace

POOLINGS = {"average": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}


def adapt_pooling(
    model: nn.Module,
    grid: int | None = None,
    *,
    kind: Literal["average", "max"] = "average",
    image_size: int | None = None,
) -> nn.Module:
    """A copy of a network whose last map is pooled to `grid` x `grid`, whatever the images' size.

    Full connections that then read another number of values start afresh; the rest keeps its
    weights. With the grid that the network already has, all do.

    Args:
        model: a network with an adaptive pooling, or one of ours.
        grid: rows and columns; those the network was built for where None.
        kind: what is taken of each part of the map.
        image_size: height and width of the images; what it was built for where None.

    Raises:
        ModelError: if there is no place for such a pooling.
    """
    if kind not in POOLINGS:
        raise ModelError(f"kind must be average or max, not {kind!r}")
    if grid is not None and grid < 1:
        raise ModelError(f"a grid has one place or more, not {grid}")
    copy = deepcopy(model)
    adaptive = [
        (name, m) for name, m in copy.named_modules() if isinstance(m, tuple(POOLINGS.values()))
    ]
    if adaptive:
        name, old = adaptive[-1]
        replace(copy, name, POOLINGS[kind](vars(old)["output_size"] if grid is None else grid))
    elif isinstance(copy, Stages) and "flatten" in copy.stage_names:
        size = map_before(copy, "flatten")[2:]
        insert(copy, "adapt", POOLINGS[kind](size if grid is None else grid), "flatten")
    else:
        raise ModelError(f"{named(model)} has no adaptive pooling and no place to put one")
    return rejoin(copy, image_size, f"pooled to {grid or 'its grid'}")


def slide(model: Stages, *, share: bool = False, offsets: bool = False) -> Stages:
    """A copy that slides over larger images (Sermanet et al. 2014, Section 3.5): a map of logits.

    Full connections become the convolutions they are, so that what neighboring windows share is
    computed once. At the size the network was built for the map is 1 x 1 and holds the logits.

    Args:
        share: the weights are the model's own memory and not a copy of it.
        offsets: the last pooling begins at every offset, not at one alone (Section 3.3): with a
            stride of s the map is s times as fine, each window still of pixels s apart.

    Returns:
        A network whose output is (N, classes, rows, columns). An adaptive pooling becomes one over
        windows of the map's built size, at stride 1.

    Raises:
        ModelError: if the network does not pool or flatten a map of known size; for `offsets`, if
            that map does not come from a maximum pooling.
    """
    own = [*model.parameters(), *model.buffers()] if share else []
    copy = deepcopy(model, {id(tensor): tensor for tensor in own})
    if model.chain != model.stage_names:
        what = f"{named(model)} reads several maps at once: it cannot slide"
        raise ModelError(f"{what}; take crops instead (--crops 10)")
    bridge = next((name for name in ("flatten", "pooled") if name in copy.stage_names), None)
    if bridge is None:
        raise ModelError(f"{named(model)} flattens no map: it cannot slide")
    _, channels, rows, columns = map_before(copy, bridge)
    stages: dict[str, nn.Module] = {}
    window, apart = (rows, columns), 1
    pooling = last_pooling(copy, bridge) if offsets else None
    behind = False
    for name, stage in copy.stages():
        if name == "adapt" and bridge == "flatten":
            continue  # at the built size it changes nothing
        if name == pooling:
            assert isinstance(stage, nn.MaxPool2d)
            assert isinstance(stage.stride, int)
            apart = stage.stride
            stages[name] = nn.MaxPool2d(stage.kernel_size, stride=1)
            continue
        if name == bridge:
            behind = True
            if bridge == "pooled":
                stages[name] = nn.AvgPool2d(window, stride=1)
                window = (1, 1)
            continue
        stages[name] = convolved(stage, channels, window, apart) if behind else stage
        if behind:
            window, apart = (1, 1), 1
    result = Stages(stages, channels=copy.channels)
    result.name, result.image_size = copy.name, copy.image_size
    return result.train(model.training)


def last_pooling(model: Stages, bridge: str) -> str:
    """The stage in front of the flattening: a maximum pooling without a border.

    Raises:
        ModelError: if it is something else.
    """
    names = [name for name in model.stage_names if name != "adapt"]
    name = names[names.index(bridge) - 1]
    stage = dict(model.stages())[name]
    plain = isinstance(stage, nn.MaxPool2d) and isinstance(stage.stride, int)
    plain = plain and not stage.padding and not stage.ceil_mode
    if bridge != "flatten" or not plain:
        raise ModelError(f"{named(model)} has no last pooling that could begin at several offsets")
    return name


class Sliding(nn.Conv2d):
    """A full connection at every place of a map: a convolution of stride 1 without padding, whose
    window may be of places some steps apart.

    Its kernels are as large as a map and its places few, so that it is one matrix product over the
    windows: on a processor ten times as fast as torch's convolutions, which turn all weights into
    another layout each time.
    """

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self.kernel_size
        down, across = self.dilation
        windows = x.unfold(2, (rows - 1) * down + 1, 1).unfold(3, (columns - 1) * across + 1, 1)
        windows = windows[..., ::down, ::across]  # (N, C, h, w, rows, columns)
        each = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)
        return F.linear(each, self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


def convolved(
    stage: nn.Module, channels: int, window: tuple[int, int], apart: int = 1
) -> nn.Module:
    """A stage with its full connection as a convolution: over the window, of places so many steps
    apart, or over one place."""
    if isinstance(stage, nn.Linear):
        inputs = channels if window != (1, 1) else stage.in_features
        with skeleton():
            layer = Sliding(
                inputs, stage.out_features, window, dilation=apart, bias=stage.bias is not None
            )
        layer.weight = nn.Parameter(stage.weight.detach().reshape(layer.weight.shape))
        layer.bias = stage.bias
        return layer
    if isinstance(stage, nn.Sequential):
        return nn.Sequential(*(convolved(layer, channels, window, apart) for layer in stage))
    return stage


def map_before(model: Stages, stage: str) -> tuple[int, ...]:
    """The shape (1, channels, rows, columns) of what a stage reads at the size it was built for."""
    if model.image_size is None:
        raise ModelError(f"{named(model)} was not built for images of a known size")
    form, x = hollow(model), torch.empty(0, model.channels, model.image_size, model.image_size)
    with torch.no_grad():
        for name, layer in form.stages():
            if name == stage:
                break
            x = layer(x)
    return 1, *x.shape[1:]


def insert(model: Stages, name: str, stage: nn.Module, before: str) -> None:
    """Puts a stage in front of another."""
    place = model.stage_names.index(before)
    model.stage_names.insert(place, name)
    model.add_module(name, stage)
