"""Detection: where the objects in a picture are, and what they are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.data.splits import TRAIN, VALIDATION
from striate.data.targets import enumerated
from striate.errors import DataError
from striate.images.levels import depth_from
from striate.inference.runtimes import Runtime
from striate.tasks.contract import (
    Answered,
    Column,
    Method,
    Output,
    Prediction,
    Predictor,
    Section,
    Task,
    Wanted,
)
from striate.tasks.detection import card, response
from striate.tasks.detection.dpm.predictor import DPMPredictor
from striate.tasks.detection.exported import ExportedDetector
from striate.tasks.detection.faster_rcnn.predictor import FasterRCNNPredictor
from striate.tasks.detection.prediction import Answer, Findings, found
from striate.tasks.detection.rcnn.predictor import RCNNPredictor
from striate.tasks.detection.scores import DetectionScores, scored
from striate.tasks.detection.yolo.predictor import YOLOPredictor

if TYPE_CHECKING:
    from PIL.Image import Image

DRAWN = 0.5  # score from which on a box is drawn


class Detection(Task):
    """Boxes around the objects in a picture, with a class and a score for each."""

    name: ClassVar[str] = "detection"
    title: ClassVar[str] = "where the objects in a picture are, and what they are"
    reads: ClassVar[tuple[str, ...]] = ("boxes",)
    score: ClassVar[str] = "map50"
    score_title: ClassVar[str] = "mAP@0.5"
    points: ClassVar[str] = "points of mean average precision"
    compared: ClassVar[tuple[str, ...]] = ("dpm", "rcnn", "yolo", "faster_rcnn")
    default: ClassVar[str] = "faster_rcnn"
    ignores: ClassVar[frozenset[str]] = frozenset(("balance", "label_smoothing"))
    prediction: ClassVar[type[Findings]] = Findings
    options: ClassVar[Mapping[str, frozenset[str]]] = {"predict": frozenset({"draw"})}
    package: ClassVar[str] = "striate.tasks.detection"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.detection.methods import METHODS

        return METHODS

    @cached_property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        kinds = (DPMPredictor, RCNNPredictor, YOLOPredictor, FasterRCNNPredictor)
        return {kind.kind: kind for kind in kinds}

    def columns_for(self, dataset: Dataset[Boxes]) -> tuple[Column, ...]:
        """The average precision of each class."""
        return tuple(Column(name, f"ap50 {name}") for name in dataset.classes)

    def sound(self, dataset: Dataset[Boxes]) -> Dataset[Boxes]:
        dataset = super().sound(dataset)
        table = dataset.counts()
        counts = table[:, TRAIN]
        if not counts.any():
            count = int((dataset.split == TRAIN).sum())
            raise DataError(f"{dataset.name}: nothing is marked in its {count} training images")
        if not table[:, VALIDATION].any():
            count = int((dataset.split == VALIDATION).sum())
            dataset = dataset.noted(
                f"nothing is marked in its {count} validation images: what is best cannot be "
                "chosen there, nor scores made probabilities"
            )
        absent = [name for name, n in zip(dataset.classes, counts.tolist(), strict=True) if not n]
        if absent:
            dataset = dataset.noted(
                f"marked in no training image, so never detected: {enumerated(absent)}"
            )
        return dataset

    def scores(
        self, answered: Answered, dataset: Dataset[Boxes], names: tuple[str, ...]
    ) -> DetectionScores:
        return scored(answered, dataset, names)

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Findings:
        return Findings(name, found(answer, names), (answer.height, answer.width))

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.detection.sections import sections

        return sections(comparison)

    @property
    def marks(self) -> "Callable[[Dataset[Any], int, Any], Image | None]":
        from striate.visualize.boxes import marked

        return marked

    def draw(
        self, pixels: NDArray[np.uint8], prediction: Prediction, names: tuple[str, ...]
    ) -> "Image":
        """The boxes with a score of at least a half, the best on top."""
        from striate.visualize.boxes import Frame, color_of, drawn

        assert isinstance(prediction, Findings)
        height, width = prediction.size or pixels.shape[:2]  # a huge picture is drawn at a scale
        down, across = pixels.shape[0] / height, pixels.shape[1] / width
        frames = []
        for each in reversed(prediction.objects):
            if each.score >= DRAWN:
                x0, y0, x1, y1 = each.box
                box = (x0 * across, y0 * down, x1 * across, y1 * down)
                words = f"{each.label} {each.score:.2f}"
                frames.append(Frame(box, words, color_of(names.index(each.label))))
        return drawn(pixels, frames)

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        return response.regions(answer, names, wanted)

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return response.OUTPUTS

    def arrays(
        self, answers: Sequence[Answer], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        return response.arrays(answers)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        return card.sections(recognizer.predictor)

    def exported(
        self, runtime: Runtime, header: dict[str, Any], names: tuple[str, ...]
    ) -> ExportedDetector:
        if header["kind"] not in self.predictors:
            raise ValueError(f"it is a detector of kind {header['kind']!r}")
        return ExportedDetector(runtime, len(names), bits=depth_from(header["scaling"]["bits"]))
