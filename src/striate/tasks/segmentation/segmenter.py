"""Segmenters that are one network: it reads the picture, scaled or in tiles."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.inference import device_of, evaluating
from striate.inference.program import Graph
from striate.inference.reading import pixels_of
from striate.models import folded
from striate.models.skeletons import skeleton, undrawn
from striate.ops.memory import channels_last
from striate.tasks.contract import Input, Predictor
from striate.tasks.segmentation.enlarging import classes_at
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.prediction import Answer
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.tiles import TILE, part, tiles
from striate.tensors import same_form


class Prepared(NamedTuple):
    """A picture as the network reads it, (H, W, 3) uint8, and its own size."""

    pixels: NDArray[np.uint8]
    height: int
    width: int


class Segmenter(Predictor):
    """A network with the reading of its pictures.

    Args:
        architecture: plain JSON values from which `networks.network` builds the model again.
        classes: how many there are.
    """

    kind: ClassVar[str] = "network"
    largest_batch = 4  # prepared pictures may be large

    def __init__(
        self, model: nn.Module, architecture: dict[str, Any], reading: Reading, classes: int
    ):
        self.model, self.architecture, self.reading = model.eval(), architecture, reading
        self.classes = classes
        self.size = reading.side
        self.device = torch.device("cpu")

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @cached_property
    def _folded(self) -> nn.Module:
        """The form in which the network is used: normalization is part of its convolutions."""
        return channels_last(folded(self.model)).to(self.device)

    def prepare(self, item: Input) -> Prepared:
        pixels = pixels_of(item)
        return Prepared(self.reading.scaled(pixels), *pixels.shape[:2])

    def predict(self, batch: Sequence[Prepared]) -> list[Answer]:
        return [Answer(self.labels(one)) for one in batch]

    def labels(self, one: Prepared) -> NDArray[np.uint8]:
        """(H, W) class numbers of a picture."""
        size = one.pixels.shape[:2]
        if max(size) <= TILE:
            return classes_at(self.scores(one.pixels), one.height, one.width)
        found = np.empty(size, np.uint8)
        margin, multiple = int(self.model.margin), int(self.model.multiple)  # type: ignore[arg-type]
        for tile in tiles(*size, margin=margin, multiple=multiple):
            scores = self.scores(part(one.pixels, tile.read))
            top, bottom, left, right = tile.kept
            above, before = top - tile.read[0], left - tile.read[2]
            inner = scores[:, above : above + bottom - top, before : before + right - left]
            found[top:bottom, left:right] = inner.argmax(0).to(torch.uint8).cpu().numpy()
        return found

    def scores(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(classes, H, W) logits of a picture as the network reads it."""
        return logits(self._folded, self.reading, pixels)

    def to(self, device: str) -> None:
        self.device = torch.device(device)
        self.__dict__.pop("_folded", None)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.segmentation.graph import graph_of

        return graph_of(self)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.model.state_dict())

    def header(self) -> dict[str, Any]:
        return {"architecture": self.architecture, "reading": self.reading.to_json()}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        reading, architecture = Reading.from_json(header["reading"]), header["architecture"]
        if not isinstance(architecture, dict):
            raise ValueError("its architecture is not an object")
        with skeleton():  # sizes first, memory later
            same_form(network(architecture, len(names)).state_dict(), tensors)
        with undrawn():
            model = network(architecture, len(names))
        model.load_state_dict(tensors)
        return cls(model, architecture, reading, len(names))


def logits(model: nn.Module, reading: Reading, pixels: NDArray[np.uint8] | Tensor) -> Tensor:
    """(classes, H, W) of a picture (H, W, 3) uint8 as `reading` gives it; on the model's device."""
    images = pixels if isinstance(pixels, Tensor) else torch.from_numpy(pixels.copy())
    with evaluating(model):
        x = reading.normalization(images.to(device_of(model)).permute(2, 0, 1)[None])
        scores: Tensor = model(x)
    return scores[0].float()
