"""WELDON (Durand, Thome & Cord 2016, CVPR): learning where things are from which are there.

A classifier made fully convolutional gives a map of scores for each class, one number a region; max
+ min pooling makes a score of the picture of it (Figure 2). It learns from labels of whole pictures
by cross-entropy, and its maps show afterwards where each class is.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers.max_min_pooling import MaxMinPooling
from striate.models.networks import create
from striate.models.stages import Stages, rectified

REGIONS = "regions"  # the last stage
KERNEL = 7  # fc6 of VGG-16 as a convolution
ENDS = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Flatten, nn.Linear)


class Weldon(Stages):
    """Images (N, channels, H, W), normalized, of any size that leaves a region, to logits
    (N, classes). Its last stage is a 1 x 1 convolution, `regions.scores`, and the pooling."""

    def class_maps(self, images: Tensor) -> Tensor:
        """What each region says of each class: (N, classes, rows, columns)."""
        read = list(self.features(images).values())[-1]
        maps: Tensor = self.get_submodule(f"{REGIONS}.scores")(read)
        return maps

    def fill(self, whole: Stages) -> None:
        """Takes over the weights of the classifier that it was made of: of its convolutions, and of
        fc6 and fc7 where this network has them as convolutions."""
        theirs = whole.state_dict()
        with torch.no_grad():
            for name, tensor in self.state_dict().items():
                if name.startswith(f"{REGIONS}."):
                    continue
                tensor.copy_(theirs[name].view_as(tensor))


def weldon(
    classes: int,
    *,
    backbone: str = "vgg16",
    channels: int = 3,
    hidden: bool = True,
    last: str | None = None,
    strongest: int = 3,
    weakest: int = 3,
) -> Weldon:
    """WELDON on a network of `striate.models`.

    Args:
        hidden: whether full connections before the last, fc6 and fc7 of VGG-16, become convolutions
            (as in the paper), or are left out; without meaning where there are none.
        last: the stage behind which the rest is left out; None: all convolutions stay.
        strongest, weakest: regions of each class that its score is made of, k+ and k-.

    Raises:
        UnknownName: if there is no such network.
        ModelError: if nothing of it is convolutional, or the full connections do not follow a map.
    """
    network = create(backbone, channels=channels)
    if not isinstance(network, Stages):
        raise ModelError(f"{backbone} is not a row of stages")
    layers: dict[str, nn.Module] = {}
    width = 0
    for name, stage in network.stages():
        if any(isinstance(layer, ENDS) for layer in stage.modules()):
            break
        layers[name] = stage
        convolutions = [each for each in stage.modules() if isinstance(each, nn.Conv2d)]
        width = convolutions[-1].out_channels if convolutions else width
        if name == last:
            break
    if not layers:
        raise ModelError(f"{backbone} has no convolutions to keep; take another network")
    if hidden and {"fc6", "fc7"} <= set(network.stage_names):
        for name, kernel in (("fc6", KERNEL), ("fc7", 1)):
            full = next(m for m in network.get_submodule(name).modules() if type(m) is nn.Linear)
            if full.in_features != width * kernel**2:
                raise ModelError(
                    f"{name} of {backbone} reads {full.in_features} numbers, not {kernel} x "
                    f"{kernel} places of {width} maps; give hidden=False"
                )
            convolution = nn.Conv2d(width, full.out_features, kernel, padding=kernel // 2)
            width = full.out_features
            layers[name] = nn.Sequential(*rectified(convolution), nn.Dropout())
    scores = nn.Conv2d(width, classes, 1)
    nn.init.zeros_(scores.weight)
    assert scores.bias is not None
    nn.init.zeros_(scores.bias)
    pooling = MaxMinPooling(strongest, weakest)
    layers[REGIONS] = nn.Sequential(OrderedDict(scores=scores, pooling=pooling))
    found = Weldon(layers, channels=channels)
    found.name, found.image_size = f"WELDON on {backbone}", network.image_size
    return found
