"""Finders that are one network: it reads the picture scaled, and its boxes are scaled back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.models import Normalization, create, entry, folded, normalization_of
from striate.models.matching import Detections
from striate.models.networks import source_of
from striate.tasks.detection.pictures import Scaling
from striate.tasks.detection.task import detect
from striate.training import fastest_device


@dataclass(frozen=True, eq=False)
class NetworkFinder(ABC):
    """A network that gives `Detections`, with the scaling of its pictures.

    Attributes:
        architecture: plain JSON values from which `network` builds it again.
    """

    model: nn.Module
    architecture: dict[str, Any]
    scaling: Scaling

    kind: ClassVar[str]

    @staticmethod
    @abstractmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        """The network that a header names, with fresh weights.

        Raises:
            TypeError, LookupError, ValueError: if the header is not of that form.
        """

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @cached_property
    def _quick(self) -> nn.Module:
        """The form in which the network is used: normalization is part of its convolutions."""
        return folded(self.model).to(fastest_device())

    def find(self, pixels: NDArray[np.uint8]) -> Detections:
        height, width = pixels.shape[:2]
        scaled = torch.from_numpy(self.scaling.scaled(pixels).copy()).permute(2, 0, 1)
        return detect(self._quick, self.scaling, [scaled], [(height, width)])[0]

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.model.state_dict())

    def header(self) -> dict[str, Any]:
        return {"architecture": self.architecture, "scaling": asdict(self.scaling)}

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any], classes: int) -> Self:
        scaling = Scaling.from_json(header["scaling"])
        with torch.device("meta"):  # sizes first, memory later
            fit(cls.network(header["architecture"], classes).state_dict(), tensors)
        model = cls.network(header["architecture"], classes)
        model.load_state_dict(tensors)
        return cls(model.eval(), header["architecture"], scaling)


def fit(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError unless both have the same names and shapes."""
    for name in expected.keys() | tensors.keys():
        if name not in expected or name not in tensors:
            raise ValueError(f"{name} is on one side only")
        if expected[name].shape != tensors[name].shape:
            raise ValueError(f"{name} is {tuple(tensors[name].shape)}")


def normalization_for(backbone: str, weights: str | Path | None) -> Normalization:
    """How pixels come to a backbone that has these weights."""
    found = None if weights is None else normalization_of(source_of(backbone, weights))
    return found or entry(backbone).normalization


def fill(stages: nn.Module, backbone: str, weights: str | Path) -> None:
    """Gives some stages of a network the weights of the whole.

    Raises:
        MissingExtra, WeightsError: if the weights are not to be had.
    """
    whole = create(backbone, weights=weights).state_dict()
    stages.load_state_dict({name: whole[name] for name in stages.state_dict()})
