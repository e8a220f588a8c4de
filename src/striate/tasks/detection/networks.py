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

from striate.data.boxes import BoxedDataset
from striate.data.dataset import TRAIN
from striate.models import Normalization, create, entry, folded, normalization_of
from striate.models.matching import Detections
from striate.models.networks import source_of
from striate.progress import Clock
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.pictures import Scaling
from striate.tasks.detection.task import Detection, detect
from striate.training import Recipe, fastest_device, fit
from striate.training.modes import seeded


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
            same_form(cls.network(header["architecture"], classes).state_dict(), tensors)
        model = cls.network(header["architecture"], classes)
        model.load_state_dict(tensors)
        return cls(model.eval(), header["architecture"], scaling)


def same_form(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError unless both have the same names and shapes."""
    for name in expected.keys() | tensors.keys():
        if name not in expected or name not in tensors:
            raise ValueError(f"{name} is on one side only")
        if expected[name].shape != tensors[name].shape:
            raise ValueError(f"{name} is {tuple(tensors[name].shape)}")


def learned_by_steps(
    kind: type[NetworkFinder],
    architecture: dict[str, Any],
    data: BoxedDataset,
    ask: Ask,
    *,
    recipe: Recipe,
    side: int,
    epoch: int,
    stretched: bool = False,
    notes: tuple[str, ...] = (),
) -> Learned:
    """A network of this kind, learned from a set.

    Args:
        architecture: what `kind.network` takes; its "backbone" gets the weights that are asked for.
        side: of the pictures, in pixels, as `Scaling` has it.
        epoch: pictures that an epoch of the recipe shows at least; every training image is among
            them.
    """
    clock, backbone = Clock(), architecture["backbone"]
    with seeded(ask.seed):
        model = kind.network(architecture, len(data.classes))
        trunk = model.get_submodule("backbone")
        if ask.weights is None:
            trunk.requires_grad_(True)  # nothing is learned yet that should stay
            recipe = recipe.but(freeze_statistics=False, kept_rate=1.0)
        else:
            fill(trunk.get_submodule("stages"), backbone, ask.weights)
    if ask.epochs is not None:
        recipe = recipe.but(epochs=ask.epochs)
    normalization = normalization_for(backbone, ask.weights)
    rounds = max(1, round(epoch / int((data.split == TRAIN).sum())))
    task = Detection(Scaling.of(side, normalization, stretched=stretched), rounds=rounds)
    with clock.stage("decode"):
        scaled = task.prepare(data)
    with clock.stage("learn"):
        model.to(fastest_device())
        run = fit(model, task, scaled, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed)
    finder = kind(model.cpu().eval(), architecture, task.scaling)
    return Learned(finder, clock.seconds, run.best, run.history, recipe.to_json(), notes)


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
