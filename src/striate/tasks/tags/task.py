"""Any number of classes an image, or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Decoded
from striate.data.targets import enumerated
from striate.tasks.contract import (
    Answered,
    Column,
    Explained,
    Method,
    Output,
    Predictor,
    Scores,
    Section,
    Task,
    Wanted,
)
from striate.tasks.pictures.predictor import answered
from striate.tasks.tags.answers import Prediction, Tagged, order_of
from striate.tasks.tags.exported import Exported
from striate.tasks.tags.predictor import Tagger, TagNetwork, TagWords
from striate.tasks.tags.reading import READERS

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime


class TagsTask(Task):
    """Which of several classes are in a picture: any number of them, or none."""

    name = "tags"
    title = "which of several classes are in a picture"
    reads = ("tags",)
    readers = READERS
    score = "map"
    score_title = "mAP"
    points = "points of mean average precision"
    columns = (
        Column("mAP, 11 recalls", "map11"),
        Column("F1, all", "f1_micro"),
        Column("F1, mean", "f1_macro"),
        Column("Hamming loss", "hamming_loss"),
    )
    compared = ("handcrafted", "transfer", "scratch", "finetune")
    default = "finetune"
    prediction = Prediction
    package = "striate.tasks.tags"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.tags.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (TagNetwork, TagWords)}

    def sound(self, dataset: Dataset[Any]) -> Dataset[Any]:
        """Without the classes of which nothing can be learned; they are named."""
        dataset = super().sound(dataset)
        learned = dataset.targets.learned(dataset.split)
        if learned.all():
            return dataset
        gone = [name for name, one in zip(dataset.classes, learned, strict=True) if not one]
        return replace(dataset, targets=dataset.targets.only(learned)).noted(
            f"not learned, because too few training images have it, or all of them: "
            f"{enumerated(gone)}"
        )

    def answered(self, predictor: Predictor, data: Decoded, rows: Sequence[int]) -> Answered:
        known = None
        if isinstance(predictor, Tagger):
            known = answered(predictor, data, rows)
        return known or super().answered(predictor, data, rows)

    def scores(self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]) -> Scores:
        from striate.tasks.tags.scores import scored

        return scored(answered, dataset, names)

    def predicted(self, name: str, answer: Tagged, names: tuple[str, ...]) -> Prediction:
        return Prediction.of(name, names, answer)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.tags.report import sections

        return sections(comparison)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        from striate.tasks.tags.card import sections

        return sections(recognizer)

    def response(self, answer: Tagged, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        """`{"known", "concepts", "tags"}`: those that are there first, by probability; `tags` are
        the ids of what is there, and `known` says whether anything is."""
        concepts: list[dict[str, Any]] = []
        for number in order_of(answer):
            value, own = float(answer.probabilities[number]), names[number]
            if len(concepts) == wanted.most:
                break
            if value >= wanted.least and (wanted.only is None or own in wanted.only):
                shown = wanted.shown.get(own, own)
                concepts.append({"id": own, "name": shown, "value": value, "app_id": "striate"})
        there = [names[number] for number in order_of(answer) if answer.there[number]]
        return {"known": bool(answer.there.any()), "concepts": concepts, "tags": there}

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        shape = (-1, len(names))
        return Output("probabilities", "FP32", shape), Output("there", "BOOL", shape)

    def arrays(
        self, answers: Sequence[Tagged], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        probabilities = [answer.probabilities for answer in answers]
        there = [answer.there for answer in answers]
        return {
            "probabilities": np.asarray(probabilities, np.float32).reshape(-1, len(names)),
            "there": np.asarray(there, np.bool_).reshape(-1, len(names)),
        }

    def refuses(self, predictor: Predictor) -> bool:
        return True  # a picture may have none of the classes

    def explains(self, predictor: Predictor) -> bool:
        return isinstance(predictor, Tagger)

    def explained(
        self, predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
    ) -> Explained:
        from striate.tasks.pictures.hiding import explain

        return explain(predictor, names, data, name)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> Exported:
        return Exported(runtime, header, names)
