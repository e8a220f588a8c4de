"""A task of one file, and what is refused."""

import math
import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
import torch
from torch import Tensor, nn

import striate.recognizer
from striate.errors import (
    InputError,
    UnknownName,
    WeightsError,
)
from striate.recognizer import Recognizer, load
from striate.tasks.contract import Input, Method, Prediction, Predictor, Published, Scores, Task


class Weigher(Predictor):
    """A number times a weight for each class; what it computes is moved by a bias."""

    kind = "weigher"

    def __init__(self, weights: Tensor, bias: float = 0.0):
        self.weights, self.bias = weights, bias
        self.device = "cpu"

    @property
    def parameters(self) -> int:
        return self.weights.numel()

    def prepare(self, item: Input) -> float:
        try:
            text = Path(item).read_text() if isinstance(item, str | os.PathLike) else str(item)
            return float(text)
        except (OSError, ValueError) as error:
            raise InputError(f"not a number ({type(error).__name__})") from error

    def predict(self, batch):
        values = torch.tensor(batch, dtype=torch.float32)
        return list((values[:, None] * self.weights + self.bias).unbind())

    def tensors(self) -> dict[str, Tensor]:
        return {"weights": self.weights}

    def header(self) -> dict[str, Any]:
        return {"bias": self.bias}

    @classmethod
    def restored(cls, tensors, header, names) -> Self:
        weights = tensors.pop("weights")
        if tensors or weights.shape != (len(names),) or weights.dtype != torch.float32:
            raise ValueError("its weights are of another form")
        if isinstance(header["bias"], bool) or not isinstance(header["bias"], int | float):
            raise TypeError(f"its bias is {header['bias']!r}")
        if not math.isfinite(header["bias"]):
            raise ValueError(f"its bias is {header['bias']}")
        return cls(weights, float(header["bias"]))

    def to(self, device: str) -> None:
        self.device = device

    def computed_by(self, engine: str) -> Predictor:
        if engine in ("onnxruntime", "compiled"):
            return type(self)(self.weights, self.bias)
        return super().computed_by(engine)

    def features(self, batch, *, layer=None, pool="none"):
        if layer not in (None, "weights"):
            raise UnknownName("layer", layer, ["weights"])
        return torch.stack(self.predict(batch)).numpy()


class Own(Weigher):
    """The same with a module of the user's."""

    kind = "own"

    @classmethod
    def restored(cls, tensors, header, names, *, model: nn.Module | None = None) -> Self:
        if model is None:
            raise WeightsError("the file holds a network of the user's own: give model=")
        return super().restored(tensors, header, names)


@dataclass(frozen=True)
class Weighed(Prediction):
    values: Mapping[str, float] = ()

    def fields(self, top: int | None) -> dict[str, Any]:
        return {"values": dict(self.values)}

    def line(self, top: int | None) -> str:
        return str(dict(self.values))


class Weighing(Task):
    name = "weighing"
    title = "what a number weighs"
    reads = ("numbers",)
    score = "hits"
    score_title = "hits"
    points = "points of hits"
    compared = ()
    default = "none"
    prediction = Weighed

    @property
    def methods(self) -> Mapping[str, Method]:
        return {}

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {"weigher": Weigher, "own": Own}

    @property
    def published(self) -> Mapping[str, Callable[[], Published]]:
        weights = torch.tensor([1.0])
        return {"kilo": lambda: Published(Weigher(weights), ("kilogram",), {})}

    def scores(self, answered, dataset, names) -> Scores:
        raise NotImplementedError

    def predicted(self, name: str, answer: Tensor, names: tuple[str, ...]) -> Prediction:
        return Weighed(name, dict(zip(names, answer.tolist(), strict=True)))


NAMES = ("pound", "stone", "<script>")


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(striate.recognizer, "TASKS", {"weighing": Weighing()})


@pytest.fixture
def ours() -> Recognizer:
    predictor = Weigher(torch.tensor([1.0, 2.0, -1.0]), 0.5)
    return Recognizer(Weighing(), predictor, NAMES, {"method": "none", "seed": 3})


@pytest.fixture
def saved(ours: Recognizer, tmp_path: Path) -> Path:
    ours.save(tmp_path / "folder" / "it.safetensors")
    return tmp_path / "folder" / "it.safetensors"


def peak() -> float:
    """The most memory the process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


@pytest.fixture
def refused() -> Callable[[Path, str], None]:
    """`refused(path, reason)`: loading fails so, soon, in one line and in little memory."""

    def check(path: Path, reason: str) -> None:
        before, start = peak(), time.process_time()
        with pytest.raises(WeightsError, match=reason) as caught:
            load(path)
        message = str(caught.value)
        assert message.isprintable()
        assert str(path) in message
        assert len(message) < 700
        assert time.process_time() - start < 5
        assert peak() - before < 200

    return check
