"""From pixels to calibrated probabilities of every class, and to what is there."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.handcrafted import BagOfVisualWords
from striate.images import View
from striate.inference import Preprocessing, device_of
from striate.inference.program import Graph
from striate.models.skeletons import skeleton, undrawn
from striate.tasks.contract import Predictor
from striate.tasks.pictures.building import PLAIN, build, settings_from_json, words_of
from striate.tasks.pictures.graph import graph_of
from striate.tasks.pictures.predictor import PicturePredictor, same_kinds
from striate.tasks.pictures.starting import NETWORK
from striate.tasks.tags.answers import Tagged
from striate.tasks.tags.calibration import TagCalibration

OWN = "calibration."
ABOUT = {
    "probabilities": "(N, classes) float32, calibrated, each for itself",
    "there": "(N, classes) bool, whether a class is above its threshold",
}


@dataclass(eq=False, kw_only=True)
class Tagger(PicturePredictor):
    """A network, or what has the form of one, with a sigmoid and a threshold for each class."""

    calibration: TagCalibration

    def said(self, probabilities: NDArray[Any], known: NDArray[Any]) -> list[Tagged]:
        return [Tagged(*pair) for pair in zip(probabilities, known, strict=True)]

    def decided(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (N, classes), and which classes are there (N, classes)."""
        probabilities = self.calibration(outputs[:, : self.classes])
        return probabilities, self.calibration.there(probabilities)

    def probabilities(self, logits: Tensor) -> Tensor:
        return self.calibration(logits)

    def tensors(self) -> dict[str, Tensor]:
        known = self.calibration
        own = {"scale": known.scale, "shift": known.shift, "thresholds": known.thresholds}
        return super().tensors() | {OWN + name: tensor for name, tensor in own.items()}

    def header(self) -> dict[str, Any]:
        return {**self.form(), "preprocessing": self.preprocessing.to_json()}


def parts_of(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any], skeleton: nn.Module, classes: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The model's own tensors in a file, and what a `Tagger` needs beside the model.

    Args:
        skeleton: the model, perhaps without memory; sizes are compared with it first.

    Raises:
        ValueError, LookupError, TypeError: if they do not belong together.
    """
    names = [OWN + name for name in ("scale", "shift", "thresholds")]
    expected = dict(skeleton.state_dict())
    same_kinds(expected | {name: torch.empty(classes, device="meta") for name in names}, tensors)
    own = {name: tensor for name, tensor in tensors.items() if name in expected}
    calibration = TagCalibration(*(tensors[name] for name in names))
    preprocessing = Preprocessing.from_json(header["preprocessing"])
    return own, {"preprocessing": preprocessing, "calibration": calibration, "classes": classes}


@dataclass(eq=False, kw_only=True)
class TagNetwork(Tagger):
    """A network and how it is built: `striate.tasks.pictures.building.build`."""

    architecture: dict[str, Any]
    kind: ClassVar[str] = NETWORK

    def form(self) -> dict[str, Any]:
        return {"architecture": self.architecture}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        architecture = header["architecture"]
        with skeleton():
            form = build(architecture, len(names))
        own, rest = parts_of(tensors, header, form, len(names))
        with undrawn():
            model = build(architecture, len(names))
        model.load_state_dict(own)
        return cls(model=model.eval(), architecture=architecture, **rest)

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


@dataclass(eq=False, kw_only=True)
class TagWords(Tagger):
    """Visual words, a spatial pyramid and linear classifiers; computed by torch on the CPU."""

    kind: ClassVar[str] = "visual_words"

    @classmethod
    def of(cls, model: BagOfVisualWords, view: View, calibration: TagCalibration) -> Self:
        """What was learned from pictures in a view."""
        return cls(
            model=model.eval(),
            preprocessing=Preprocessing(view, PLAIN),
            classes=model.head.out_features,
            calibration=calibration,
        )

    def form(self) -> dict[str, Any]:
        return {"settings": asdict(cast(BagOfVisualWords, self.model).settings)}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        settings = settings_from_json(header["settings"])
        side = Preprocessing.from_json(header["preprocessing"]).view.size
        own, rest = parts_of(tensors, header, words_of(settings, len(names), side), len(names))
        model = BagOfVisualWords(classes=len(names), settings=settings)
        model.load_state_dict(own)
        return cls(model=model.eval(), **rest)

    def computed_by(self, engine: str) -> Predictor:
        return self if engine == "auto" else super().computed_by(engine)

    def graph(self, *, single: bool = False) -> Graph:
        raise ModelError(
            "a hand-crafted recognizer finds its visual words by search, which is not a graph that "
            "can be exported; keep its .safetensors file, or export another method's"
        )
