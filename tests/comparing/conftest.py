"""A task of a few lines: is a picture bright or dark? Its methods are thresholds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data import Array, Dataset, Decoded, Labels
from striate.tasks.contract import (
    Answered,
    Ask,
    Column,
    Learned,
    Method,
    Prediction,
    Predictor,
    Scores,
    Task,
)
from striate.tasks.table import TASKS


@dataclass(frozen=True)
class Said(Prediction):
    """Bright or dark."""

    bright: bool = False

    def fields(self, top: int | None) -> dict[str, Any]:
        return {"bright": self.bright}

    def line(self, top: int | None) -> str:
        return "bright" if self.bright else "dark"


@dataclass(frozen=True, eq=False)
class Hits(Scores):
    """Which examples were answered rightly."""

    right: NDArray[np.float64]
    seconds: float = 0.001
    broken: tuple[tuple[str, str], ...] = ()
    more: Mapping[str, float] = field(default_factory=dict)

    @property
    def examples(self) -> int:
        return len(self.right)

    @property
    def value(self) -> float:
        return float(self.right.mean())

    def resampled(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.right[rows].mean(1)

    @property
    def metrics(self) -> Mapping[str, float]:
        return {"wrong": 1 - self.value, "unknown": float("nan"), **self.more}


class Threshold(Predictor):
    """A picture is bright if its mean is above a value."""

    kind: ClassVar[str] = "threshold"
    parameters = 1

    def __init__(self, value: float):
        self.value = value

    def prepare(self, item: Any) -> float:
        return float(np.mean(item))

    def predict(self, batch: Sequence[float]) -> list[int]:
        return [int(mean > self.value) for mean in batch]

    def tensors(self) -> dict[str, Tensor]:
        return {"value": torch.tensor(self.value)}

    def header(self) -> dict[str, Any]:
        return {}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> "Threshold":
        return cls(float(tensors["value"]))


class Bright(Task):
    """The task; `learned` says which methods have learned, with which seed."""

    name, title, reads = "bright", "whether a picture is bright", ("labels",)
    score, score_title, points = "right", "right", "points of right answers"
    columns = (Column("wrong", "wrong"), Column("unknown", "unknown"))
    compared, default = ("middle", "rough"), "middle"
    prediction = Said

    def __init__(self) -> None:
        self.learned: list[tuple[str, int]] = []
        self.values: Callable[[str, int], float] = lambda name, seed: 128.0
        self.known = {
            "middle": Method("The middle", "handcrafted", self.learns("middle"), seeds=2),
            "rough": Method(
                "A rough one", "finetune", self.learns("rough"), networks=("lenet5",),
                by_epochs=True,
            ),
        }  # fmt: skip

    def learns(self, name: str) -> Callable[[Decoded, Ask], Learned]:
        def learn(data: Decoded, ask: Ask) -> Learned:
            self.learned.append((name, ask.seed))
            predictor = Threshold(self.values(name, ask.seed))
            held_out = data.dataset.validation
            given = predictor.predict(
                [float(held_out.inputs[k].mean()) for k in range(len(held_out))]
            )
            right = float((np.array(given) == held_out.targets.numbers).mean())
            history = ({"epoch": 1, "loss": 0.5, "right": right},) if ask.network else ()
            return Learned(
                predictor, {"right": right, "unknown": float("nan")}, {"guess": 1.0},
                network=ask.network, history=history, notes=("guessed",),
            )  # fmt: skip

        return learn

    @property
    def methods(self) -> Mapping[str, Method]:
        return self.known

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {"threshold": Threshold}

    def scores(self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]) -> Hits:
        truth = dataset.targets.numbers[list(answered.rows)]
        return Hits(
            (np.array(answered.answers) == truth).astype(float), answered.seconds, answered.broken
        )

    def predicted(self, name: str, answer: int, names: tuple[str, ...]) -> Said:
        return Said(name, bool(answer))


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Bright:
    """The task, in the table of tasks as long as the test runs."""
    made = Bright()
    monkeypatch.setitem(TASKS, "bright", made)
    return made


@pytest.fixture
def data() -> Dataset[Labels]:
    """60 different pictures: 36 to learn from, 12 to choose on and 12 to score, both drawn."""
    random = np.random.default_rng(3)
    numbers = np.arange(60, dtype=np.int64) % 2
    noise = random.integers(0, 60, (60, 16, 16), dtype=np.uint8)
    pixels = noise + np.where(numbers, 150, 20).astype(np.uint8)[:, None, None]
    split = np.repeat(np.array([0, 1, 2], np.int8), [36, 12, 12])
    made = Dataset("lamps", Array(pixels), Labels(("dark", "bright"), numbers), split)
    return replace(made, drawn=frozenset({"validation", "test"}))


@pytest.fixture
def hits() -> Callable[..., Hits]:
    """`hits([1, 0, 1])` are scores: which examples were answered rightly."""

    def make(right: Sequence[float], seconds: float = 0.0, **more: float) -> Hits:
        return Hits(np.array(right, float), seconds, more=more)

    return make
