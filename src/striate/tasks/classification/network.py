"""A classifier that is a network, of `striate.models` or of the user's own."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from striate.inference import Preprocessing, device_of
from striate.inference.program import Graph
from striate.models.skeletons import skeleton, undrawn
from striate.tasks.classification.predictor import Classifier, parts_of
from striate.tasks.pictures.building import build
from striate.tasks.pictures.graph import graph_of

ABOUT = {
    "probabilities": "(N, classes) float32, calibrated",
    "label": "(N,) int64, the number of the most probable class",
    "known": '(N,) bool, False for "none of these"',
}


@dataclass(eq=False, kw_only=True)
class Network(Classifier):
    """A network and how it is built.

    Attributes:
        architecture: how to build the model again: `{"name": ..., "options": {...}}`; of a network
            that striate cannot build, `{"name": None, "kind": ...}`.
    """

    architecture: dict[str, Any]
    kind: ClassVar[str] = "network"

    @classmethod
    def own(cls, model: nn.Module, preprocessing: Preprocessing, classes: int) -> Self:
        """A network of the user's, which `striate.load` takes again as `model`."""
        about = {"name": None, "kind": type(model).__name__}
        return cls(
            model=model.eval(), architecture=about, preprocessing=preprocessing, classes=classes
        )

    def form(self) -> dict[str, Any]:
        return {"architecture": self.architecture}

    @classmethod
    def restored(
        cls,
        tensors: dict[str, Tensor],
        header: dict[str, Any],
        names: tuple[str, ...],
        *,
        model: nn.Module | None = None,
    ) -> Self:
        architecture = header["architecture"]
        if model is None:
            with skeleton():
                form = build(architecture, len(names))
            own, rest = parts_of(tensors, header, form)
            with undrawn():
                model = build(architecture, len(names))
        else:
            own, rest = parts_of(tensors, header, model)
        model.load_state_dict(own)
        return cls(model=model.eval(), architecture=architecture, classes=len(names), **rest)

    def to(self, device: str) -> None:
        if torch.device(device) != device_of(self.model):
            self._engines.to(device)
            self.model.to(device)

    def computed_by(self, engine: str) -> Self:
        found = replace(self, engine=engine)
        _ = found._engines  # refuses what there is not
        return found

    def graph(self, *, single: bool = False) -> Graph:
        return graph_of(self, ABOUT, single=single)

    def inside(self) -> tuple[nn.Module, Preprocessing]:
        return self.model, self.preprocessing
