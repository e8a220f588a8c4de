"""What finds points: a network that reads the whole picture."""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images as pictures
from striate.images.decoding import frame
from striate.inference import Preprocessing, evaluating
from striate.inference.program import Graph
from striate.models import folded
from striate.models.skeletons import skeleton, undrawn
from striate.ops.memory import channels_last
from striate.tasks.contract import Input, Predictor
from striate.tasks.keypoints.canvas import back
from striate.tasks.keypoints.networks import network
from striate.tasks.keypoints.prediction import Answer, Lines
from striate.tasks.keypoints.sureness import Sureness
from striate.tensors import same_form


class Prepared(NamedTuple):
    """A picture as the network reads it, (S, S, 3) uint8, and its own size."""

    pixels: NDArray[np.uint8]
    height: int
    width: int


class Finder(Predictor):
    """A network with the reading of its pictures.

    Args:
        architecture: plain JSON values from which `networks.network` builds the model again.
        parts: how many there are.
        lines: pairs of parts that a skeleton joins.
        sureness: from what the network says of itself to probabilities.
    """

    kind: ClassVar[str] = "network"

    def __init__(
        self,
        model: nn.Module,
        architecture: dict[str, Any],
        preprocessing: Preprocessing,
        parts: int,
        lines: Lines,
        sureness: Sureness,
    ):
        self.model, self.architecture = model.eval(), architecture
        self.preprocessing, self.parts, self.lines = preprocessing, parts, lines
        self.sureness = sureness
        self.size = preprocessing.view.size
        self.device = torch.device("cpu")

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @cached_property
    def _folded(self) -> nn.Module:
        """The form in which the network is used: normalization is part of its convolutions."""
        return channels_last(folded(self.model)).to(self.device)

    def prepare(self, item: Input) -> Prepared:
        if isinstance(item, str | os.PathLike):
            item = pictures.load(item)
        view = self.preprocessing.view
        if isinstance(item, bytes):
            size = frame(item)
            return Prepared(pictures.render(item, [view])[0], size.height, size.width)
        pixels = pictures.to_rgb(np.asarray(item))
        return Prepared(pictures.apply(pixels, view), *pixels.shape[:2])

    def predict(self, batch: Sequence[Prepared]) -> list[Answer]:
        found = self.found(np.stack([one.pixels for one in batch]))
        sizes = np.array([(one.height, one.width) for one in batch], np.int64)
        return self.answers(found, sizes)

    def found(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, K, 3) in pixels of the square (N, S, S, 3) that the network reads, with its own
        scores."""
        with evaluating(self._folded):
            images = self.preprocessing.tensor(pixels, self.device)
            places: Tensor = self._folded.places(images)  # type: ignore[operator]
        return places.double().cpu().numpy()

    def answers(self, found: NDArray[np.float64], sizes: NDArray[np.int64]) -> list[Answer]:
        """What was found, in pixels of pictures of these heights and widths (N, 2)."""
        places = back(found[..., :2], sizes, self.preprocessing.view.size)
        places = places.clip(0, sizes[:, None, ::-1])
        scores = self.sureness(found[..., 2])
        return [
            Answer(one, score, height, width, self.lines)
            for one, score, (height, width) in zip(places, scores, sizes.tolist(), strict=True)
        ]

    def to(self, device: str) -> None:
        self.device = torch.device(device)
        self.__dict__.pop("_folded", None)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.keypoints.graph import graph_of

        return graph_of(self, single=single)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.model.state_dict())

    def header(self) -> dict[str, Any]:
        return {
            "architecture": self.architecture,
            "preprocessing": self.preprocessing.to_json(),
            "lines": [list(pair) for pair in self.lines],
            "sureness": self.sureness.to_json(),
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        preprocessing = Preprocessing.from_json(header["preprocessing"])
        architecture, lines = header["architecture"], lines_in(header, len(names))
        if not isinstance(architecture, dict):
            raise ValueError("its architecture is not an object")
        with skeleton():  # sizes first, memory later
            same_form(network(architecture, len(names)).state_dict(), tensors)
        with undrawn():
            model = network(architecture, len(names))
        model.load_state_dict(tensors)
        sureness = Sureness.from_json(header["sureness"])
        return cls(model, architecture, preprocessing, len(names), lines, sureness)


def lines_in(header: dict[str, Any], parts: int) -> Lines:
    """The skeleton of a header.

    Raises:
        ValueError, TypeError, LookupError: if it joins parts that there are not.
    """
    lines = tuple((first, second) for first, second in header["lines"])
    for number in (part for pair in lines for part in pair):
        if type(number) is not int or not 0 <= number < parts:
            raise ValueError(f"its skeleton joins part {number!r} of {parts}")
    return lines
