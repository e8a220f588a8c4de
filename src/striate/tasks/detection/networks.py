"""Detectors that are one network: it reads the picture scaled, and its boxes are scaled back."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.inference import device_of, evaluating
from striate.inference.program import Graph
from striate.models import folded
from striate.models.matching import Detections
from striate.models.skeletons import skeleton, undrawn
from striate.ops.boxes import clipped
from striate.tasks.contract import Input, Predictor
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.reading import Source, read
from striate.tasks.detection.scaling import Scaling
from striate.tensors import same_form

TOGETHER = 8  # pictures of one size that a GPU reads at once; a processor gains nothing


class Prepared(NamedTuple):
    """A picture as the network reads it, (H, W, 3) uint8; the size that it was decoded in, and its
    source."""

    pixels: NDArray[np.uint8]
    height: int
    width: int
    source: Source


class NetworkPredictor(Predictor):
    """A network that gives `Detections`, with the scaling of its pictures.

    Args:
        architecture: plain JSON values from which `network` builds the model again.
        classes: how many there are.
    """

    kind: ClassVar[str]

    def __init__(
        self, model: nn.Module, architecture: dict[str, Any], scaling: Scaling, classes: int
    ):
        self.model, self.architecture, self.scaling = model.eval(), architecture, scaling
        self.classes = classes
        self.size = scaling.side
        self.device = torch.device("cpu")

    @staticmethod
    @abstractmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        """The network that a header describes, with fresh weights.

        Raises:
            TypeError, LookupError, ValueError: if the header is not of that form.
        """

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @cached_property
    def _folded(self) -> nn.Module:
        """The form in which the network is used: normalization is part of its convolutions."""
        return folded(self.model).to(self.device)

    def prepare(self, item: Input) -> Prepared:
        pixels, source = read(item, self.scaling.bits)
        height, width = pixels.shape[:2]
        return Prepared(self.scaling.scaled(pixels), height, width, source)

    def predict(self, batch: Sequence[Prepared]) -> list[Answer]:
        groups: dict[tuple[int, ...], list[int]] = {}  # a network answers one size at a time, so
        for number, one in enumerate(batch):  # that what else is in the batch changes nothing
            groups.setdefault(one.pixels.shape, []).append(number)
        most = 1 if self.device.type == "cpu" else TOGETHER
        answers: dict[int, Answer] = {}
        for numbers in groups.values():
            for first in range(0, len(numbers), most):
                some = numbers[first : first + most]
                answers |= zip(some, self._answered([batch[k] for k in some]), strict=True)
        return [answers[number] for number in range(len(batch))]

    def _answered(self, some: Sequence[Prepared]) -> list[Answer]:
        pictures = [torch.from_numpy(one.pixels.copy()).permute(2, 0, 1) for one in some]
        sizes = [(one.height, one.width) for one in some]
        found = detect(self._folded, self.scaling, pictures, sizes)
        return [Answer.of(each, one.source) for each, one in zip(found, some, strict=True)]

    def to(self, device: str) -> None:
        self.device = torch.device(device)
        self.__dict__.pop("_folded", None)

    def computed_by(self, engine: str) -> Predictor:
        from striate.tasks.detection.engines import computed_by

        return computed_by(self, engine)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.detection.graph import graph_of

        return graph_of(self)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.model.state_dict())

    def header(self) -> dict[str, Any]:
        return {"architecture": self.architecture, "scaling": asdict(self.scaling)}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        scaling, architecture = Scaling.from_json(header["scaling"]), header["architecture"]
        if not isinstance(architecture, dict):
            raise ValueError("its architecture is not an object")
        with skeleton():  # sizes first, memory later
            same_form(cls.network(architecture, len(names)).state_dict(), tensors)
        with undrawn():
            model = cls.network(architecture, len(names))
        model.load_state_dict(tensors)
        return cls(model, architecture, scaling, len(names))


def detect(
    model: nn.Module,
    scaling: Scaling,
    pictures: Sequence[Tensor],
    sizes: Sequence[tuple[int, int]],
) -> list[Detections]:
    """The detections in scaled pictures (3, H, W) uint8, in pixels of the pictures of (height,
    width) that they were made of; on the CPU, wherever the model is."""
    with evaluating(model):
        found = model(scaling.canvas(pictures).to(device_of(model)))
    results = []
    for one, picture, (height, width) in zip(found, pictures, sizes, strict=True):
        boxes, classes, scores = (each.cpu() for each in (one.boxes, one.classes, one.scores))
        inside = clipped(boxes, (picture.shape[1], picture.shape[2]))
        factors = inside.new_tensor([width / picture.shape[2], height / picture.shape[1]] * 2)
        some = (inside[:, 2:] - inside[:, :2]).amin(1) > 0  # beyond the picture is nothing
        results.append(Detections((inside * factors)[some], classes[some], scores[some]))
    return results
