"""One class an input: what is the same for pictures and texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.splits import TRAIN
from striate.errors import DataError
from striate.tasks.contract import Answered, Column, Output, Scores, Task, Wanted
from striate.tasks.labels.answers import Answer, Prediction


class OneClass(Task):
    """A task whose answer is one class; its predictors give `Answer`."""

    reads = ("labels",)
    score = "top1"
    score_title = "top-1"
    points = "points of top-1 accuracy"
    columns = (Column("calibration error", "calibration_error"),)
    prediction = Prediction
    top = 5

    def columns_for(self, dataset: Dataset[Any]) -> tuple[Column, ...]:
        from striate.tasks.labels.scores import MANY

        many = len(dataset.classes) > MANY
        return (*((Column("top-5", "top5"),) if many else ()), *self.columns)

    def sound(self, dataset: Dataset[Any]) -> Dataset[Any]:
        dataset = super().sound(dataset)
        present = np.unique(dataset.targets.single()[dataset.split == TRAIN])
        if len(present) < 2:
            only = dataset.classes[present[0]]
            raise DataError(
                f"{dataset.name}: every training {self.thing} is of one class, {only!r}"
            )
        return dataset

    def scores(self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]) -> Scores:
        from striate.tasks.labels.scores import classified

        return classified(answered, dataset, names)

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Prediction:
        return Prediction.of(name, names, answer.probabilities, answer.known)

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
