"""A task that the library does not have: two bright spots, wherever they are said to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, tensor

from striate import images
from striate.tasks.contract import (
    Answered,
    Input,
    Method,
    Output,
    Prediction,
    Predictor,
    Scores,
    Task,
    Wanted,
)


class Answer(NamedTuple):
    """Boxes (N, 4) as shares, x0 y0 x1 y1; their classes and scores."""

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Spots(Prediction):
    """What is said of one picture."""

    count: int = 0

    def fields(self, top: int | None) -> dict[str, Any]:
        return {"count": self.count}

    def line(self, top: int | None) -> str:
        return f"{self.count} spots"


class Marker(Predictor):
    """Answers the same boxes to every picture, and takes pictures of any size."""

    kind: ClassVar[str] = "marker"

    def __init__(self, boxes: Tensor, classes: Tensor, scores: Tensor):
        self.boxes, self.classes, self.scores = boxes, classes, scores

    @property
    def parameters(self) -> int:
        return self.boxes.numel()

    def prepare(self, item: Input) -> NDArray[np.uint8]:
        if isinstance(item, bytes):
            return images.decode(item, at_least=None)
        return images.to_rgb(item) if isinstance(item, np.ndarray) else images.read(item)

    def predict(self, batch: Sequence[Any]) -> list[Answer]:
        found = self.boxes.numpy(), self.classes.numpy(), self.scores.numpy()
        return [Answer(*found) for _ in batch]

    def tensors(self) -> dict[str, Tensor]:
        return {"boxes": self.boxes, "classes": self.classes, "scores": self.scores}

    def header(self) -> dict[str, Any]:
        return {}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> "Marker":
        return cls(**tensors)


class Marking(Task):
    """Where the spots are."""

    name = "marking"
    title = "where the spots are"
    reads = ("spots",)
    score, score_title, points = "spots", "spots", "points of spots"
    compared, default = (), ""
    prediction = Spots

    @property
    def methods(self) -> Mapping[str, Method]:
        return {}

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {"marker": Marker}

    def scores(self, answered: Answered, dataset: Any, names: tuple[str, ...]) -> Scores:
        raise NotImplementedError

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Spots:
        return Spots(name, count=len(answer.boxes))

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        regions = []
        for (x0, y0, x1, y1), number, score in zip(*map(np.ndarray.tolist, answer), strict=True):
            own = names[number]
            if score < wanted.least or (wanted.only is not None and own not in wanted.only):
                continue
            box = {"top_row": y0, "left_col": x0, "bottom_row": y1, "right_col": x1}
            concept = {"id": own, "name": wanted.shown.get(own, own), "value": score}
            regions.append({
                "id": str(len(regions)), "region_info": {"bounding_box": box},
                "data": {"concepts": [{**concept, "app_id": "striate"}]},
            })  # fmt: skip
        return {"regions": regions[: wanted.most]}

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return Output("boxes", "FP32", (-1, -1, 4)), Output("scores", "FP32", (-1, -1))

    def arrays(
        self, answers: Sequence[Answer], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        return {
            "boxes": np.array([each.boxes for each in answers], np.float32),
            "scores": np.array([each.scores for each in answers], np.float32),
        }


def two_spots() -> Marker:
    """One sure spot in the upper left, one less sure below."""
    boxes = tensor([[0.1, 0.2, 0.4, 0.5], [0.5, 0.55, 0.9, 0.95]])
    return Marker(boxes, tensor([1, 0]), tensor([0.9, 0.6]))
