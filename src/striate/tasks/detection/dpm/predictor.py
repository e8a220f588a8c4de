"""Deformable part models as a predictor: every place of a picture scored, non-maximum suppression,
scores that are probabilities (Felzenszwalb et al. 2010, Sections 3.2 and 7)."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import ModelError
from striate.handcrafted.deformable import Component, Scored, needed_levels
from striate.handcrafted.pyramid import DEPTH, Pyramid, pyramid
from striate.images.levels import depth_from
from striate.inference.program import Graph
from striate.models.matching import Detections
from striate.ops.boxes import clipped, non_maximum_suppression
from striate.tasks.contract import Input, Predictor
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.reading import Read, read

OVERLAP = 0.4  # above it, the worse of two boxes of a class is suppressed
LEAST = -1.2  # score of a place from which on it counts; the margin of the background is -1
PLACES, MOST = 1000, 300  # of a component before suppression; of a picture at the end
NAMES = ("root", "parts", "costs", "anchors", "outline")  # of a component's tensors
LARGEST_ROOT, MOST_PARTS = 64, 64  # cells a side, and parts, of what a file may ask for


class DPMPredictor(Predictor):
    """Components of every class, and what their scores mean.

    Args:
        calibration: (classes, 2) float64, slope and offset: the probability that a place with score
            s is right is 1 / (1 + exp(-(slope · s + offset))).
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).
    """

    kind: ClassVar[str] = "dpm"
    largest_batch = 1

    def __init__(
        self, components: Sequence[Component], calibration: Tensor, bits: int | None = None
    ):
        self.components, self.calibration, self.bits = tuple(components), calibration, bits

    @property
    def parameters(self) -> int:
        return sum(len(one.weights) for one in self.components)

    def prepare(self, item: Input) -> Read:
        return read(item, self.bits)

    def predict(self, batch: Sequence[Read]) -> list[Answer]:
        return [Answer.of(self.detections(one.pixels), one.source) for one in batch]

    def detections(self, pixels: NDArray[np.uint8]) -> Detections:
        """Those in a picture (H, W, 3)."""
        found = scored(self.components, pyramid(pixels, needed_levels(self.components)))
        scores = probabilities(self.calibration, found)
        order = scores.argsort(descending=True, stable=True)
        return Detections(found.boxes[order], found.classes[order], scores[order])

    def graph(self, *, single: bool = False) -> Graph:
        raise ModelError(
            "a deformable part model computes a pyramid that depends on the picture, which is not "
            "a graph that can be exported; keep its .safetensors file, or export faster_rcnn or "
            "yolo"
        )

    def tensors(self) -> dict[str, Tensor]:
        return {"calibration": self.calibration.contiguous()} | stored(self.components)

    def header(self) -> dict[str, Any]:
        return {"components": values_of(self.components), "bits": self.bits}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        described = header["components"]
        if not isinstance(described, list) or len(tensors) != 1 + len(NAMES) * len(described):
            raise ValueError(f"{len(tensors)} tensors do not belong to the components it names")
        calibration = tensors["calibration"]
        if calibration.shape != (len(names), 2) or calibration.dtype != torch.float64:
            raise ValueError(f"its calibration is {tuple(calibration.shape)}")
        components = components_of(described, tensors)
        for number, one in enumerate(components):
            if not 0 <= one.kind < len(names):
                raise ValueError(f"component {number} is of class {one.kind}")
        if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
            raise ValueError("a tensor holds numbers that are not finite")
        return cls(components, calibration, depth_from(header["bits"]))


def stored(components: Sequence[Component], prefix: str = "") -> dict[str, Tensor]:
    """The tensors of components, by name."""
    return {
        f"{prefix}{number}.{name}": getattr(one, name).contiguous()
        for number, one in enumerate(components)
        for name in NAMES
    }


def values_of(components: Sequence[Component]) -> list[dict[str, Any]]:
    """What is not a tensor of components, as plain JSON values."""
    return [{"kind": one.kind, "bias": one.bias, "sides": list(one.sides)} for one in components]


def components_of(
    described: Sequence[dict[str, Any]], tensors: dict[str, Tensor], prefix: str = ""
) -> list[Component]:
    """The components that `values_of` and `stored` describe.

    Raises:
        ValueError, LookupError, TypeError: if their numbers do not fit each other.
    """
    return [
        component_of(values, *(tensors[f"{prefix}{number}.{name}"] for name in NAMES))
        for number, values in enumerate(described)
    ]


def component_of(
    values: dict[str, Any],
    root: Tensor,
    parts: Tensor,
    costs: Tensor,
    anchors: Tensor,
    outline: Tensor,
) -> Component:
    """The component of a file.

    Raises:
        ValueError, LookupError, TypeError: if its numbers do not fit each other.
    """
    kind, bias, (low, high) = values["kind"], values["bias"], values["sides"]
    if any(type(each) not in (int, float) for each in (bias, low, high)):
        raise TypeError(f"a component of bias {bias!r}, sides {low!r} to {high!r}")
    if type(kind) is not int or not -1e6 < bias < 1e6 or not 0 < low <= high < 1e6:
        raise ValueError(f"a component of class {kind!r}, bias {bias!r}, sides {low!r} to {high!r}")
    shapes = [tuple(tensor.shape) for tensor in (root, parts, costs, anchors, outline)]
    count = len(parts) if parts.ndim else -1
    side = parts.shape[-1] if parts.ndim else -1
    if not (
        root.ndim == 3
        and 0 <= count <= MOST_PARTS
        and max(root.shape[1:]) <= LARGEST_ROOT
        and min(root.shape[1:]) >= 1 <= side <= 2 * min(root.shape[1:])
        and shapes[:2] == [(DEPTH, *root.shape[1:]), (count, DEPTH, side, side)]
        and shapes[2:] == [(count, 4), (count, 2), (4, 1 + 2 * count)]
        and anchors.dtype == torch.int64
        and all(tensor.dtype == torch.float32 for tensor in (root, parts, costs, outline))
    ):
        raise ValueError(f"root, parts, costs, anchors and outline are {shapes}")
    limits = 2 * torch.tensor([root.shape[2], root.shape[1]]) - side
    if not bool(((anchors >= 0) & (anchors <= limits)).all() & (costs[:, 2:] > 0).all()):
        raise ValueError("a part lies beyond its root or has no cost of deformation")
    sides = float(low), float(high)
    return Component(kind, root, float(bias), sides, parts, anchors, costs, outline)


def scored(components: Sequence[Component], features: Pyramid) -> Detections:
    """Detections of the components and their mirror images in a picture, after suppression, with
    the machine's scores."""
    boxes, classes, scores = [torch.zeros(0, 4)], [torch.zeros(0, dtype=torch.int64)], []
    scores.append(torch.zeros(0))
    for score_maps in (one for each in components for one in Scored.both(each, features)):
        places = score_maps.best(LEAST, PLACES)
        inside = clipped(score_maps.outlined(places), features.size)
        some = (inside[:, 2:] - inside[:, :2]).amin(1) > 0
        boxes.append(inside[some])
        scores.append(places.scores[some])
        classes.append(torch.full((int(some.sum()),), score_maps.component.kind))
    all_boxes, all_classes, all_scores = torch.cat(boxes), torch.cat(classes), torch.cat(scores)
    kept = non_maximum_suppression(all_boxes, all_scores, OVERLAP, groups=all_classes)[:MOST]
    return Detections(all_boxes[kept], all_classes[kept], all_scores[kept])


def probabilities(calibration: Tensor, found: Detections) -> Tensor:
    """(K,) in [0, 1]: how likely each detection is right, by its class and its score."""
    slope, offset = calibration[found.classes].unbind(1)
    return torch.sigmoid(slope * found.scores + offset).float()
