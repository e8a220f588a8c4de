"""R-CNN as a predictor."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import ModelError
from striate.images.levels import depth_from
from striate.inference.program import Graph
from striate.models import Normalization
from striate.models.matching import Detections
from striate.models.skeletons import skeleton
from striate.tasks.contract import Input, Predictor
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.rcnn.classifiers import Classifiers
from striate.tasks.detection.rcnn.features import CropNetwork, RegionFeatures
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.reading import Read, read
from striate.tensors import same_form

MOST = 100  # detections of a picture
LEAST = 0.01  # probability of a detection


class RCNNPredictor(Predictor):
    """Regions, features, classifiers.

    Args:
        nms_overlap: above it, the worse of two detections of a class is suppressed.
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).
    """

    kind: ClassVar[str] = "rcnn"
    largest_batch = 1

    def __init__(
        self,
        extractor: RegionFeatures,
        classifiers: Classifiers,
        nms_overlap: float,
        bits: int | None = None,
    ):
        self.extractor, self.classifiers = extractor, classifiers
        self.nms_overlap, self.bits = nms_overlap, bits

    @property
    def parameters(self) -> int:
        solved = (self.classifiers.svm, self.classifiers.regression, self.classifiers.curve)
        return sum(table.numel() for table in (*self.extractor.network.parameters(), *solved))

    def prepare(self, item: Input) -> Read:
        return read(item, self.bits)

    def predict(self, batch: Sequence[Read]) -> list[Answer]:
        return [Answer.of(self.detections(one.pixels), one.source) for one in batch]

    def detections(self, pixels: NDArray[np.uint8]) -> Detections:
        """Those in a picture (H, W, 3)."""
        boxes = self.extractor.regions(pixels)
        return self.among(boxes, self.extractor.features(pixels, boxes), pixels.shape[:2])

    def among(self, boxes: Tensor, features: Tensor, size: tuple[int, ...]) -> Detections:
        """Those in a picture of (height, width), among its regions."""
        height, width = size
        return self.classifiers.detections(
            boxes, features, (height, width),
            nms_overlap=self.nms_overlap, most=MOST, least=LEAST,
        )  # fmt: skip

    def to(self, device: str) -> None:
        self.extractor.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        raise ModelError(
            "R-CNN finds its regions by a search, which is not a graph that can be exported; keep "
            "its .safetensors file, or export faster_rcnn or yolo"
        )

    def tensors(self) -> dict[str, Tensor]:
        network = self.extractor.network.state_dict()
        return {f"network.{name}": value for name, value in network.items()} | {
            f"classifiers.{f.name}": getattr(self.classifiers, f.name) for f in fields(Classifiers)
        }

    def header(self) -> dict[str, Any]:
        return {**self.extractor.header(), "nms_overlap": self.nms_overlap, "bits": self.bits}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        name, nms_overlap = header["network"], header["nms_overlap"]
        if not isinstance(name, str):
            raise ValueError(f"it names a network {name!r}")
        if type(nms_overlap) not in (int, float) or not 0 <= nms_overlap <= 1:
            raise ValueError(f"its nms_overlap is {nms_overlap!r}")
        settings = RegionSettings.from_json(header["settings"])
        normalization = Normalization.from_json(header["normalization"])
        with skeleton():  # sizes first; what is loaded then takes the place of these
            network = CropNetwork(name)
            expected = {f"network.{key}": value for key, value in network.state_dict().items()}
            width = torch.zeros(network.width)
            empty = Classifiers.empty(width, width, len(names))
        expected |= {f"classifiers.{f.name}": getattr(empty, f.name) for f in fields(Classifiers)}
        same_form(expected, tensors)
        own = {key: tensors[f"network.{key}"] for key in network.state_dict()}
        network.load_state_dict(own, assign=True)
        solved = Classifiers(
            **{f.name: tensors[f"classifiers.{f.name}"] for f in fields(Classifiers)}
        )
        extractor = RegionFeatures(name, network, normalization, settings)
        return cls(extractor, solved, float(nms_overlap), depth_from(header["bits"]))
