"""Key points: where the parts of the thing in a picture are."""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

from striate.data import Dataset, Points
from striate.tasks.contract import Answered, Column, Method, Prediction, Predictor, Task
from striate.tasks.keypoints.finder import Finder
from striate.tasks.keypoints.prediction import Answer, Pose, posed
from striate.tasks.keypoints.scores import PointScores, scored


class KeyPoints(Task):
    """A place for each part of the thing that a picture shows."""

    name: ClassVar[str] = "keypoints"
    title: ClassVar[str] = "where the parts of the thing in a picture are"
    reads: ClassVar[tuple[str, ...]] = ("points",)
    score: ClassVar[str] = "pck10"
    score_title: ClassVar[str] = "PCK@0.1"
    points: ClassVar[str] = "points of PCK@0.1"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("PCK@0.2", "pck20"),
        Column("mean error", "error"),
    )
    compared: ClassVar[tuple[str, ...]] = ("hog_ridge", "deep_ridge", "unet", "heat_maps")
    default: ClassVar[str] = "heat_maps"
    prediction: ClassVar[type[Prediction]] = Pose
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
