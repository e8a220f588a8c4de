"""Segmentation: which class each pixel of a picture belongs to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Masks
from striate.data.splits import TRAIN
from striate.data.targets import enumerated
from striate.errors import UserError
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
from striate.tasks.segmentation import card, response
from striate.tasks.segmentation.crf import CRFSegmenter
from striate.tasks.segmentation.exported import ExportedSegmenter
from striate.tasks.segmentation.prediction import Answer, Segments, areas_of
from striate.tasks.segmentation.response import as_png
from striate.tasks.segmentation.scores import SegmentationScores, scored
from striate.tasks.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    from PIL.Image import Image

    from striate.visualize.explaining import Explanation

MANY = 12  # classes from which on the table has no column for each


class Segmentation(Task):
    """A class for every pixel of a picture."""

    name: ClassVar[str] = "segmentation"
    title: ClassVar[str] = "which class each pixel of a picture belongs to"
    reads: ClassVar[tuple[str, ...]] = ("masks",)
    score: ClassVar[str] = "miou"
    score_title: ClassVar[str] = "mean IoU"
    points: ClassVar[str] = "points of mean intersection over union"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("pixels right", "pixel_accuracy"),
        Column("borders (F)", "boundary_f"),
    )
    compared: ClassVar[tuple[str, ...]] = (
        "filter_bank",
        "hypercolumns",
        "unet",
        "fcn8s",
        "deeplab_crf",
    )
    default: ClassVar[str] = "fcn8s"
    ignores: ClassVar[frozenset[str]] = frozenset(("balance",))
    prediction: ClassVar[type[Segments]] = Segments
    options: ClassVar[Mapping[str, frozenset[str]]] = {"predict": frozenset({"draw", "save"})}
    package: ClassVar[str] = "striate.tasks.segmentation"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.segmentation.methods import METHODS

        return METHODS

    @cached_property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (Segmenter, CRFSegmenter)}

    def columns_for(self, dataset: Dataset[Masks]) -> tuple[Column, ...]:
        """The overlap of each class, where they are few."""
        if len(dataset.classes) > MANY:
            return self.columns
        return (*self.columns, *(Column(name, f"iou {name}") for name in dataset.classes))

    def sound(self, dataset: Dataset[Masks]) -> Dataset[Masks]:
        dataset = super().sound(dataset)
        counts = dataset.counts()[:, TRAIN].tolist()
        absent = [name for name, n in zip(dataset.classes, counts, strict=True) if not n]
        if absent and not dataset.targets.unmarked.any():
            dataset = dataset.noted(f"in no training mask, so never found: {enumerated(absent)}")
        return dataset

    def scores(
        self, answered: Answered, dataset: Dataset[Masks], names: tuple[str, ...]
    ) -> SegmentationScores:
        return scored(answered, dataset, names)

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Segments:
        return Segments(name, areas_of(answer.labels, names), answer.labels)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.segmentation.sections import sections

        return sections(comparison)

    @property
    def marks(self) -> "Callable[[Dataset[Any], int, Any], Image | None]":
        from striate.visualize.masks import marked

        return marked

    def draw(
        self, pixels: NDArray[np.uint8], prediction: Prediction, names: tuple[str, ...]
    ) -> "Image":
        """The classes laid over the picture, with their names."""
        from striate.visualize.masks import overlaid

        assert isinstance(prediction, Segments)
        assert prediction.labels is not None
        return overlaid(pixels, prediction.labels, names)

    def filed(self, prediction: Prediction) -> tuple[str, bytes]:
        """The mask as an indexed PNG with a palette: entries are class numbers."""
        assert isinstance(prediction, Segments)
        assert prediction.labels is not None
        return ".png", as_png(prediction.labels)

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        return response.regions(answer, names, wanted)

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return response.OUTPUTS

    def arrays(
        self, answers: Sequence[Answer], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        return response.arrays(answers)

    def explanation(
        self, predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
        method: str, at: tuple[float, ...] = (),
    ) -> "Explanation | None":  # fmt: skip
        from striate.tasks.segmentation.explaining import page
        from striate.visualize.explaining import Explanation

        if method != "occlusion":
            raise UserError(f"--method {method}: pixels are explained by occlusion alone")
        if not item:
            raise UserError("give a picture, as in: striate explain MODEL street.jpg --at 120,80")
        return Explanation(*page(predictor, names, item, name, at))

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        return card.sections(recognizer.predictor)

    def exported(
        self, runtime: Runtime, header: dict[str, Any], names: tuple[str, ...]
    ) -> ExportedSegmenter:
        if header["kind"] not in self.predictors:
            raise ValueError(f"it is a segmenter of kind {header['kind']!r}")
        return ExportedSegmenter(runtime, len(names))
