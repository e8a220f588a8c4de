"""From pixels to what is said of a whole picture: what predictors of several tasks share."""

import os
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images as pictures
from striate.data import Decoded
from striate.images import View
from striate.inference import Preprocessing
from striate.inference.engines import Engines
from striate.inference.outputs import outputs_of
from striate.models import cut, folded
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.tasks.contract import Answered, Input, Pool, Predictor

LARGEST = 1e30  # of a number in a header
Pixels = NDArray[np.uint8]


@dataclass(eq=False, kw_only=True)
class PicturePredictor(Predictor):
    """A network, or what has the form of one, and how its logits are decided on.

    Attributes:
        model: images (N, C, S, S), preprocessed, to logits (N, classes).
        classes: how many there are.
        engine: what computes the answers, by name (`striate.inference.engines`).
    """

    model: nn.Module
    preprocessing: Preprocessing
    classes: int
    engine: str = "torch"
    size: int | None = field(init=False)
    pixels: tuple[int, int, int] | None = field(init=False)

    def __post_init__(self) -> None:
        view = self.preprocessing.view
        self.size, self.pixels = view.size, (view.size, view.size, view.channels)

    @property
    def parameters(self) -> int:
        return sum(tensor.numel() for tensor in self.model.state_dict().values())

    def prepare(self, item: Input) -> Pixels:
        """The picture in this view: (S, S, C) uint8."""
        return viewed(item, self.preprocessing.view)

    def predict(self, batch: Sequence[Pixels]) -> list[Any]:
        return self.said(*self.answers(np.stack(batch)))

    def answers(
        self, pixels: Pixels, *, batch_size: int = 64
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """What `decided` says of pixels (N, S, S, C) in this view."""
        outputs = torch.empty(0, self.classes + 1)
        if len(pixels):
            outputs = outputs_of(self._engines, self.preprocessing, pixels, batch_size=batch_size)
        probabilities, known = self.decided(outputs)
        return probabilities.numpy(), known.numpy()

    @abstractmethod
    def decided(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (N, classes), and what is held for true of each.

        Args:
            outputs: (N, at least classes) of `network`.
        """

    def exported(self, outputs: Tensor) -> tuple[Tensor, ...]:
        """What a graph for other runtimes gives, from the outputs of `network`."""
        return self.decided(outputs)

    @abstractmethod
    def said(self, probabilities: NDArray[np.float32], known: NDArray[np.bool_]) -> list[Any]:
        """What `decided` gave as an answer to each picture."""

    def network(self) -> nn.Module:
        """A copy for answering, batch normalization folded: logits (N, classes)."""
        return folded(self.model)

    def features(
        self, batch: Sequence[Pixels], *, layer: str | None = None, pool: Pool = "none"
    ) -> NDArray[np.float32]:
        model = Before(self.model) if layer is None else cut(self.model, layer)
        found = outputs_of(model, self.preprocessing, np.stack(batch))
        if pool != "none" and found.ndim == 4:
            found = found.mean((2, 3)) if pool == "avg" else found.amax((2, 3))
        return found.flatten(1).numpy()

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.model.state_dict())

    @abstractmethod
    def form(self) -> dict[str, Any]:
        """How the model is built again, as plain JSON values."""

    @cached_property
    def _engines(self) -> Engines:
        view = self.preprocessing.view
        shape = (view.channels, view.size, view.size)
        return Engines(channels_last(self.network()), shape, self.engine)


def answered(predictor: PicturePredictor, data: Decoded, rows: Sequence[int]) -> Answered | None:
    """What it says of rows of a set whose pixels are there in its view; None where they are not."""
    if predictor.preprocessing.view not in data.pixels:
        return None
    pixels = data.pixels[predictor.preprocessing.view][np.asarray(rows, np.int64)]
    start = time.perf_counter()
    answers = predictor.said(*predictor.answers(pixels))
    return Answered(tuple(rows), answers, (time.perf_counter() - start) / max(1, len(rows)))


def number(value: object) -> float:
    """A number of a header.

    Raises:
        TypeError, ValueError: if it is not one, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"it has {value!r} where a number is expected")
    if not -LARGEST < value < LARGEST:  # nan fails, too
        raise ValueError(f"it has {value!r} where a finite number is expected")
    return float(value)


def viewed(item: Input, view: View) -> Pixels:
    """A picture, a path, the bytes of a file or pixels, in a view: (S, S, C) uint8.

    Raises:
        ImageError: if it cannot be read.
    """
    if isinstance(item, str | os.PathLike):
        item = pictures.load(item)
    if isinstance(item, bytes):
        return pictures.render(item, [view])[0]
    return pictures.apply(pictures.to_rgb(np.asarray(item)), view)


def same_kinds(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Refuses tensors that are not exactly those expected.

    Raises:
        ValueError: with the first that differs.
    """
    ours, theirs = _kinds(expected), _kinds(found)
    wrong = sorted(
        name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)
    )
    if wrong:
        is_, wanted = theirs.get(wrong[0], "missing"), ours.get(wrong[0], "nothing of that name")
        raise ValueError(
            f"it does not fit its network: {wrong[0]} is {is_}, expected {wanted} "
            f"({len(wrong)} differ)"
        )


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Shape and type of each tensor, as text: "(10, 84) float32"."""
    return {
        name: f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
        for name, tensor in tensors.items()
    }


def whole(value: object) -> int:
    """A whole number of a header.

    Raises:
        TypeError: if it is not one.
    """
    if type(value) is not int:
        raise TypeError(f"it has {value!r} where a whole number is expected")
    return value
