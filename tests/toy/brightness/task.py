"""The task itself: what it reads, what it is called, how it is scored and shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brightness.data import READER
from brightness.predictors import Exported, Line, Tiny
from brightness.scores import CLOSE, Guesses
from striate.data import Dataset
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


@dataclass(frozen=True)
class Guess(Prediction):
    """What is said of one picture."""

    brightness: float = float("nan")

    def fields(self, top: int | None) -> dict[str, Any]:
        return {"brightness": self.brightness}

    def line(self, top: int | None) -> str:
        return f"brightness {self.brightness:.3f}"


class Brightness(Task):
    """How bright a picture is."""

    name = "brightness"
    title = "how bright a picture is"
    reads = ("numbers",)
    readers = (READER,)
    score, score_title = "share", f"within {CLOSE:g}"
    points = f"points of guesses within {CLOSE:g}"
    columns = (Column("mean error", "error"),)
    compared = ("line", "tiny")
    default = "tiny"
    prediction = Guess
    package = "brightness"

    @property
    def methods(self) -> Mapping[str, Method]:
        from brightness.learning import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {"line": Line, "tiny": Tiny}

    def scores(self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]) -> Guesses:
        rows = np.asarray(answered.rows, np.int64)
        return Guesses(
            np.array(answered.answers), dataset.targets.values[rows], answered.seconds,
            answered.broken,
        )  # fmt: skip

    def predicted(self, name: str, answer: float, names: tuple[str, ...]) -> Guess:
        return Guess(name, answer)

    def sections(self, comparison: Any) -> Iterable[Section]:
        best, dataset = comparison.best, comparison.dataset
        answered = best.chosen.answered
        rows = [
            {"name": dataset.inputs.name(row), "given": given, "true": dataset.targets.values[row]}
            for row, given in zip(answered.rows, answered.answers, strict=True)
        ]
        yield Section("guesses.html.jinja", {"title": best.title.lower(), "rows": rows})

    def response(self, answer: float, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        return {"concepts": [{"id": "brightness", "name": "brightness", "value": answer}]}

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return (Output("brightness", "FP32", (-1,)),)

    def arrays(
        self, answers: Sequence[float], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[np.float32]]:
        return {"brightness": np.array(answers, np.float32)}

    def exported(
        self, runtime: Runtime, header: dict[str, Any], names: tuple[str, ...]
    ) -> Exported:
        return Exported(runtime)
