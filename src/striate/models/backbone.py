"""The stages of a network that a dense task reads: by stride and channels, measured on no data.

`network_stages` runs a network on torch's meta device, which computes shapes and nothing else. So
every network of `striate.models` that has stages of the strides a task needs can be its backbone.
"""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import NamedTuple, Self, overload

import torch
from torch import Tensor, nn

from striate.errors import ModelError, StriateError, UnknownName
from striate.models.networks import NETWORKS, create
from striate.models.skeletons import undrawn
from striate.models.stages import Stages

ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
SIDE = 2**14  # pixels of the image that is measured: so large that no border counts


class Stage(NamedTuple):
    """What a stage makes of an image.

    Attributes:
        stride: pixels of the image from one place of its map to the next.
        pooling: whether it only makes the map smaller, as poolings that are stages of their own.
        aligned: whether the map has as many places as strides fit into the image; without padding
            it has fewer, and they do not lie where their numbers say.
    """

    name: str
    stride: int
    channels: int
    pooling: bool = False
    aligned: bool = True


@cache
def network_stages(name: str) -> tuple[Stage, ...]:
    """The stages of a network that give maps for images of any size, in order.

    Raises:
        UnknownName: if there is no such network.
    """
    with torch.device("cpu"), undrawn(), torch.no_grad():  # also inside a skeleton
        network = create(name, channels=3).eval()
        if not isinstance(network, Stages):
            return ()
        x = torch.empty(0, 3, SIDE, SIDE)
        found: list[Stage] = []
        for stage, module in network.stages():
            if any(isinstance(layer, ADAPTIVE) for layer in module.modules()):
                break  # what follows has as many places whatever the image
            try:
                x = module(x)
            except (RuntimeError, ValueError, StriateError):  # a full connection, of one size
                break
            if x.ndim != 4:
                break
            stride, learned = round(SIDE / x.shape[2]), any(True for _ in module.parameters())
            pooling = not learned and bool(found) and stride > found[-1].stride
            aligned = x.shape[2] * stride == SIDE
            found.append(Stage(stage, stride, x.shape[1], pooling, aligned))
    last = found[-1].name if found else None
    if last is not None and _is_head(network, last):
        found.pop()
    return tuple(found)


def _is_head(network: Stages, name: str) -> bool:
    """Whether a stage only widens what the classifier reads: a 1 x 1 convolution before the mean
    over all places."""
    module = network.get_submodule(name)
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    return len(layers) == 1 and layers[0].kernel_size == (1, 1)


def stage_of(name: str, stride: int, *, pooled: bool = False, aligned: bool = True) -> Stage | None:
    """The deepest stage of that stride; None if the network has none.

    Args:
        pooled: rather a pooling that is a stage of its own: where each block ends in one, that is
            the end of the block before.
        aligned: only a stage whose map is.

    Raises:
        UnknownName: if there is no such network.
    """
    stages = [
        stage
        for stage in network_stages(name)
        if stage.stride == stride and (stage.aligned or not aligned)
    ]
    if pooled:
        stages = [stage for stage in stages if stage.pooling] or stages
    else:
        stages = [stage for stage in stages if not stage.pooling] or stages
    return stages[-1] if stages else None


def stages_of(name: str, strides: Sequence[int], *, pooled: bool = False) -> tuple[Stage, ...]:
    """The deepest stage of each of these strides.

    Raises:
        UnknownName: if there is no such network, or if it has no stages of all these strides.
    """
    found = [stage_of(name, stride, pooled=pooled) for stride in strides]
    known = [stage for stage in found if stage is not None]
    if len(known) < len(strides):
        words = " and ".join(map(str, strides))
        raise UnknownName(f"network with stages of stride {words}", name, NetworksWith(*strides))
    return tuple(known)


class NetworksWith(Sequence[str]):
    """The names of all networks that have stages of these strides, in the order of NETWORKS.

    Each is measured when it is asked for: all of them take seconds.

    Args:
        first: one of them, which comes first.
        aligned: only those whose maps are.
    """

    def __init__(self, *strides: int, first: str | None = None, aligned: bool = True):
        self.strides, self.first, self.aligned = strides, first, aligned

    def __contains__(self, name: object) -> bool:
        if name not in NETWORKS:
            return False
        found = (stage_of(str(name), each, aligned=self.aligned) for each in self.strides)
        return all(stage is not None for stage in found)

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...

    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if place == 0 and self.first is not None:
            return self.first
        return self._all[place]

    @cached_property
    def _all(self) -> tuple[str, ...]:
        names = [name for name in NETWORKS if name in self and name != self.first]
        return (*filter(None, (self.first,)), *names)


def frozen_stage(name: str) -> str:
    """The last stage that a detector leaves as it was trained before: the end of the first two
    blocks (Ren et al. 2015, Section 3.3: of VGG-16 all up to conv2_2).

    Raises:
        UnknownName: if there is no such network.
    """
    kept, last = stage_of(name, 4, pooled=True, aligned=False), ""
    for stage in network_stages(name):
        last = last if stage.pooling else stage.name
        if kept is not None and stage.name == kept.name:
            break
    return last


class Backbone(nn.Module):
    """The stages of a network up to the last that is read: (N, 3, H, W) to one map a level.

    Args:
        levels: names of the stages that are read, in order.
        frozen: the last stage that does not learn; "": all learn.

    Raises:
        ModelError: if the network has no such stage.
    """

    def __init__(self, network: Stages, levels: Sequence[str], frozen: str = ""):
        super().__init__()
        names = network.stage_names
        for name in (*levels, *filter(None, (frozen,))):
            if name not in names:
                raise ModelError(f"{network.name} has no stage {name!r}")
        self.levels = list(levels)
        self.stages = nn.ModuleDict()
        self.frozen = names[: names.index(frozen) + 1] if frozen else []
        for name, stage in network.stages():
            self.stages[name] = stage
            if name == self.levels[-1]:
                break
        for name in self.frozen:
            self.stages[name].requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for name in self.frozen:  # nor do their means and variances
            self.stages[name].eval()
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        x, maps = images, []
        for name, stage in self.stages.items():
            x = stage(x)
            if name in self.levels:
                maps.append(x)
        return maps
