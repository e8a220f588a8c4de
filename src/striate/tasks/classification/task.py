"""One class an image, or none of these."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Decoded
from striate.data.splits import TRAIN
from striate.errors import DataError
from striate.tasks.classification.exported import Exported
from striate.tasks.classification.network import Network
from striate.tasks.classification.prediction import Prediction
from striate.tasks.classification.predictor import Answer, Classifier
from striate.tasks.classification.visual_words import VisualWords
from striate.tasks.classification.windows import OPTIONS, Windowed, Windows
from striate.tasks.contract import (
    Answered,
    Column,
    Explained,
    Method,
    Output,
    Predictor,
    Published,
    Scores,
    Section,
    Task,
    Wanted,
)

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime


class Classification(Task):
    """Which class a picture belongs to."""

    name = "classification"
    title = "which class a picture belongs to"
    reads = ("labels",)
    score = "top1"
    score_title = "top-1"
    points = "points of top-1 accuracy"
    columns = (Column("calibration error", "calibration_error"),)
    compared = ("handcrafted", "transfer", "scratch", "finetune")
    default = "scratch"
    prediction = Prediction
    options: ClassVar[Mapping[str, frozenset[str]]] = {
        "predict": OPTIONS,
        "evaluate": OPTIONS | {"ensemble", "tree"},
    }
    top = 5
    package = "striate.tasks.classification"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.classification.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (Network, VisualWords)}

    @property
    def published(self) -> Mapping[str, Callable[[], Published]]:
        from striate.tasks.classification.published import published

        return published()

    def columns_for(self, dataset: Dataset[Any]) -> tuple[Column, ...]:
        from striate.tasks.classification.scores import MANY

        many = len(dataset.classes) > MANY
        return (*((Column("top-5", "top5"),) if many else ()), *self.columns)

    def sound(self, dataset: Dataset[Any]) -> Dataset[Any]:
        dataset = super().sound(dataset)
        present = np.unique(dataset.targets.single()[dataset.split == TRAIN])
        if len(present) < 2:
            only = dataset.classes[present[0]]
            raise DataError(f"{dataset.name}: every training image is of one class, {only!r}")
        return dataset

    def answered(self, predictor: Predictor, data: Decoded, rows: Sequence[int]) -> Answered:
        if not isinstance(predictor, Classifier) or predictor.preprocessing.view not in data.pixels:
            return super().answered(predictor, data, rows)
        pixels = data.pixels[predictor.preprocessing.view][np.asarray(rows, np.int64)]
        start = time.perf_counter()
        probabilities, known = predictor.answers(pixels)
        seconds = (time.perf_counter() - start) / max(1, len(rows))
        answers = [Answer(row, bool(one)) for row, one in zip(probabilities, known, strict=True)]
        return Answered(tuple(rows), answers, seconds)

    def answering(self, predictor: Predictor, options: Mapping[str, Any]) -> Predictor:
        which = Windows.of(options)
        return predictor if which.plain else Windowed(predictor, which)

    def scores(self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]) -> Scores:
        from striate.tasks.classification.scores import classified

        return classified(answered, dataset, names)

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Prediction:
        return Prediction.of(name, names, answer.probabilities, answer.known)

    def evaluated(
        self, recognizers: Mapping[str, Any], dataset: Dataset[Any], rows: Sequence[int],
        options: Mapping[str, Any], *, batch_size: int = 64,
    ) -> Mapping[str, Scores]:  # fmt: skip
        from striate.tasks.classification.evaluating import evaluated

        return evaluated(recognizers, dataset, rows, options, batch_size=batch_size)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.classification.report import sections

        return sections(comparison)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        from striate.tasks.classification.card import sections

        return sections(recognizer)

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        """`{"known", "concepts"}`: the most probable first, as many as wanted."""
        concepts: list[dict[str, Any]] = []
        for number in np.argsort(-answer.probabilities, kind="stable").tolist():
            value, own = float(answer.probabilities[number]), names[number]
            if len(concepts) == wanted.most or value < wanted.least:
                break
            if wanted.only is None or own in wanted.only:
                shown = wanted.shown.get(own, own)
                concepts.append({"id": own, "name": shown, "value": value, "app_id": "striate"})
        return {"known": answer.known, "concepts": concepts}

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return Output("probabilities", "FP32", (-1, len(names))), Output("known", "BOOL", (-1,))

    def arrays(
        self, answers: Sequence[Answer], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        probabilities = [answer.probabilities for answer in answers]
        return {
            "probabilities": np.asarray(probabilities, np.float32).reshape(-1, len(names)),
            "known": np.array([answer.known for answer in answers], np.bool_),
        }

    def refuses(self, predictor: Predictor) -> bool:
        if isinstance(predictor, Classifier):
            return predictor.refuses
        return True  # the test is in an export's graph

    def explains(self, predictor: Predictor) -> bool:
        return isinstance(predictor, Classifier)

    def explained(
        self, predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
    ) -> Explained:
        from striate.tasks.classification.explaining import explain

        return explain(predictor, names, data, name)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> Exported:
        return Exported(runtime, header, names)
