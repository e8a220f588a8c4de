"""Filters, and the feature maps that a layer computes of one image, the strongest first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.inference import evaluating
from striate.models.surgery import check_name, named
from striate.models.tracing import Fields
from striate.visualize.reading import batch_of, fields_of_layer, maps_of

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Activations:
    """A layer's answer to one image.

    Attributes:
        maps: (C, h, w) the feature maps.
        order: (C,) their numbers, the one with the largest total activation first.
        fields: receptive fields, down and across; None where they differ from unit to unit.
        image_size: (H, W) of the image.
    """

    layer: str
    maps: NDArray[np.float32]
    order: NDArray[np.int64]
    fields: Fields | None
    image_size: tuple[int, int]

    @property
    def totals(self) -> NDArray[np.float32]:
        """(C,) the total activation of each map."""
        return self.maps.sum(axis=(1, 2))

    def peak(self, channel: int) -> tuple[int, int]:
        """Row and column of a map's largest number."""
        row, column = np.unravel_index(self.maps[channel].argmax(), self.maps.shape[1:])
        return int(row), int(column)

    def box(self, row: int, column: int) -> Box:
        """Top, left, bottom, right of a unit's receptive field in pixels, the padding left out."""
        height, width = self.image_size
        if self.fields is None:
            return 0, 0, height, width
        down, across = self.fields[0].pixels(row), self.fields[1].pixels(column)
        top, left = max(down.start, 0), max(across.start, 0)
        return top, left, min(down.stop, height), min(across.stop, width)


def activations(model: nn.Module, image: Tensor, layer: str) -> Activations:
    """The feature maps of any named layer; a full connection has maps of one place.

    Args:
        image: (C, H, W) or (1, C, H, W), as the model takes it.
        layer: a stage ("conv4_2") or any module by its dotted name.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if it gives no maps, or numbers that are not finite.
    """
    check_name(model, layer)
    images = batch_of(model, image)
    with evaluating(model):
        maps = maps_of(model, images, layer)[0].float().cpu().numpy()
    order = np.argsort(-maps.sum(axis=(1, 2)), kind="stable")
    fields = fields_of_layer(model, tuple(images.shape[1:]), layer)
    return Activations(layer, maps, order, fields, (images.shape[2], images.shape[3]))


def filters(model: nn.Module, layer: str) -> NDArray[np.float32]:
    """The filters (K, C, n, m) of a convolution, or of the first one in a stage or block.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if there is no convolution in it.
    """
    check_name(model, layer)
    for module in model.get_submodule(layer).modules():
        if isinstance(module, nn.Conv2d):
            return module.weight.detach().float().cpu().numpy()
    raise ModelError(f"{layer} of {named(model)} is not a convolution and contains none")


def first_convolution(model: nn.Module) -> str:
    """The name of the layer that reads the image.

    Raises:
        ModelError: if the model has no convolution.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            return name
    raise ModelError(f"{named(model)} has no convolution")
