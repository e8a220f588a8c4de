"""What a trained network sees in a picture, as far as losses of style and content need it."""

from collections.abc import Collection, Iterable, Iterator
from copy import deepcopy
from typing import cast

from torch import Tensor, nn

from striate.errors import UnknownName
from striate.layers.frozen_convolution import FrozenConvolution, freezable
from striate.models import Stages

CONTENT = ("conv4_2",)
STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


class Perception(nn.Module):
    """The stages of a network up to the deepest that is asked for, with weights that stay.

    Args:
        network: a chain of stages, such as VGG-19; it stays as it is.
        layers: whose maps `forward` gives.
        average: mean poolings in place of maximum poolings, which give slightly more appealing
            pictures (Section 2).

    Raises:
        UnknownName: if the network has no such layer; with the closest names.
    """

    def __init__(
        self, network: Stages, layers: Iterable[str] = CONTENT + STYLE, *, average: bool = False
    ):
        super().__init__()
        self.layers = tuple(dict.fromkeys(layers))
        names = network.stage_names[:-1]
        for layer in self.layers:
            if layer not in names:
                raise UnknownName("layer", layer, names)
        last = max(names.index(layer) for layer in self.layers)
        stages = dict(list(network.stages())[: last + 1])
        if average:
            stages = {name: averaging(stage) for name, stage in stages.items()}
        self.stages = nn.ModuleDict({name: frozen(stage) for name, stage in stages.items()})
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor, layers: Collection[str] | None = None) -> dict[str, Tensor]:
        """Normalized images (N, channels, H, W) to the maps of all layers, rectified.

        Args:
            layers: some of them; nothing behind the deepest of those is computed.
        """
        wanted = set(self.layers if layers is None else layers)
        found, x = {}, images
        for name, stage in self.stages.items():
            x = stage(x)
            if name in wanted:
                found[name] = x
            if len(found) == len(wanted):
                break
        return found


def averaging(stage: nn.Module) -> nn.Module:
    """A maximum pooling as a mean pooling; other stages as they are."""
    if not isinstance(stage, nn.MaxPool2d):
        return stage
    return nn.AvgPool2d(stage.kernel_size, stage.stride, stage.padding, stage.ceil_mode)


def plain(stage: nn.Module) -> bool:
    """Whether it is a convolution with a rectifier behind it."""
    return [type(part) for part in inner(stage)] == [nn.Conv2d, nn.ReLU]


def frozen(stage: nn.Module) -> nn.Module:
    """The same answers from weights that do not learn."""
    if plain(stage) and freezable(first := next(inner(stage))):
        return FrozenConvolution(cast(nn.Conv2d, first), rectified=True)
    return deepcopy(stage)


def inner(stage: nn.Module) -> Iterator[nn.Module]:
    """The parts of a chain."""
    return iter(stage) if isinstance(stage, nn.Sequential) else iter(())
