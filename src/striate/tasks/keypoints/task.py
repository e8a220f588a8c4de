"""Key points: where the parts of the thing in a picture are."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Points
from striate.data.splits import VALIDATION
from striate.errors import DataError, UserError
from striate.inference.runtimes import Runtime
from striate.models.heat_maps import HeatMaps
from striate.tasks.contract import (
    Answered,
    Column,
    Explained,
    Method,
    Output,
    Prediction,
    Predictor,
    Section,
    Task,
    Wanted,
)
from striate.tasks.keypoints import card, response
from striate.tasks.keypoints.exported import ExportedFinder
from striate.tasks.keypoints.finder import Finder
from striate.tasks.keypoints.prediction import HALF, Answer, Pose, posed
from striate.tasks.keypoints.scores import PointScores, scored

if TYPE_CHECKING:
    from PIL.Image import Image

    from striate.visualize.explaining import Explanation


class KeyPoints(Task):
    """A place for each part of the thing that a picture shows."""

    name: ClassVar[str] = "keypoints"
    title: ClassVar[str] = "where the parts of the thing in a picture are"
    reads: ClassVar[tuple[str, ...]] = ("points",)
    kinds: ClassVar[tuple[str, str]] = ("part", "parts")
    score: ClassVar[str] = "pck10"
    score_title: ClassVar[str] = "PCK@0.1"
    points: ClassVar[str] = "points of PCK@0.1"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("PCK@0.2", "pck20"),
        Column("mean error", "error"),
    )
    compared: ClassVar[tuple[str, ...]] = ("hog_ridge", "deep_ridge", "unet", "heat_maps")
    default: ClassVar[str] = "heat_maps"
    ignores: ClassVar[frozenset[str]] = frozenset(("balance", "label_smoothing"))
    prediction: ClassVar[type[Prediction]] = Pose
    options: ClassVar[Mapping[str, frozenset[str]]] = {"predict": frozenset({"draw", "save"})}
    package: ClassVar[str] = "striate.tasks.keypoints"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.keypoints.methods import METHODS

        return METHODS

    @cached_property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {Finder.kind: Finder}

    def scores(
        self, answered: Answered, dataset: Dataset[Points], names: tuple[str, ...]
    ) -> PointScores:
        return scored(answered, dataset, names)

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Pose:
        return posed(name, answer, names)

    def sound(self, dataset: Dataset[Points]) -> Dataset[Points]:
        dataset = super().sound(dataset)
        if not dataset.targets.marked[dataset.split == VALIDATION].any():
            raise DataError(f"{dataset.name}: no point is marked in the validation images")
        return dataset

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.keypoints.sections import sections

        return sections(comparison)

    @property
    def marks(self) -> "Callable[[Dataset[Any], int, Any], Image | None]":
        from striate.visualize.skeletons import marked

        return marked

    def draw(
        self, pixels: NDArray[np.uint8], prediction: Prediction, names: tuple[str, ...]
    ) -> "Image":
        """The points, joined; those that are less likely right than wrong as rings."""
        from striate.visualize.skeletons import Skeleton, drawn

        assert isinstance(prediction, Pose)
        height, width = prediction.size or pixels.shape[:2]  # a huge picture is drawn at a scale
        scale = np.array([pixels.shape[1] / width, pixels.shape[0] / height])
        places = np.array([(each.x + HALF, each.y + HALF) for each in prediction.parts]) * scale
        scores = np.array([each.score for each in prediction.parts])
        return drawn(pixels, [Skeleton(places, prediction.lines, scores)], names=names)

    def filed(self, prediction: Prediction) -> tuple[str, bytes]:
        """The points as a table: part, x, y, score."""
        assert isinstance(prediction, Pose)
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("part", "x", "y", "score"))
        for each in prediction.parts:
            writer.writerow((each.label, f"{each.x:.3f}", f"{each.y:.3f}", f"{each.score:.4f}"))
        return ".csv", stream.getvalue().encode()

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        return response.regions(answer, names, wanted)

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return response.outputs(len(names))

    def arrays(
        self, answers: Sequence[Answer], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        return response.arrays(answers, len(names))

    def explains(self, predictor: Predictor) -> bool:
        return isinstance(predictor, Finder) and isinstance(predictor.model, HeatMaps)

    def explained(
        self, predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
    ) -> Explained:
        from striate.tasks.keypoints.explaining import explain

        return explain(predictor, names, data, name)

    def explanation(
        self, predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
        method: str, at: tuple[float, ...] = (),
    ) -> "Explanation | None":  # fmt: skip
        from striate.tasks.keypoints.explaining import page
        from striate.visualize.explaining import Explanation

        self.no_place(at)
        if method != "occlusion":
            raise UserError(f"--method {method}: points are explained by occlusion alone")
        if not item:
            raise UserError("give a picture, as in: striate explain MODEL face.jpg")
        return Explanation(*page(predictor, names, item, name))

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        return card.sections(recognizer.predictor)

    def exported(
        self, runtime: Runtime, header: dict[str, Any], names: tuple[str, ...]
    ) -> ExportedFinder:
        if header["kind"] not in self.predictors:
            raise ValueError(f"it finds points by {header['kind']!r}")
        return ExportedFinder(runtime, header, len(names))
