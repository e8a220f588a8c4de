"""From pixels to calibrated probabilities: what the classifiers of this task have in common."""

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images as pictures
from striate.errors import ModelError
from striate.inference import Preprocessing
from striate.inference.engines import Engines
from striate.inference.outputs import outputs_of
from striate.models import classifier, cut, folded
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.tasks.classification.familiarity import (
    MOST,
    WIDEST,
    Familiarity,
    judging,
    some_of_each,
)
from striate.tasks.contract import Input, Pool, Predictor
from striate.tasks.labels.answers import Answer
from striate.tasks.labels.calibration import Calibration

DIRECTIONS = "familiarity.directions"
LARGEST = 1e30  # of a number in a header
Pixels = NDArray[np.uint8]


@dataclass(eq=False, kw_only=True)
class Classifier(Predictor):
    """A network, or what has the form of one, with all that belongs to its answer.

    Attributes:
        model: images (N, C, S, S), preprocessed, to logits (N, classes).
        classes: how many there are.
        familiarity: what decides between the classes and "none of these"; where None, it is the
            calibration's threshold on the largest probability.
        engine: what computes the answers, by name (`striate.inference.engines`).
    """

    model: nn.Module
    preprocessing: Preprocessing
    classes: int
    calibration: Calibration = field(default_factory=Calibration)
    familiarity: Familiarity | None = None
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
        view = self.preprocessing.view
        if isinstance(item, str | os.PathLike):
            item = pictures.load(item)
        if isinstance(item, bytes):
            return pictures.render(item, [view])[0]
        return pictures.apply(pictures.to_rgb(np.asarray(item)), view)

    def predict(self, batch: Sequence[Pixels]) -> list[Answer]:
        probabilities, known = self.answers(np.stack(batch))
        return [Answer(row, bool(one)) for row, one in zip(probabilities, known, strict=True)]

    def answers(
        self, pixels: Pixels, *, batch_size: int = 64
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Calibrated probabilities (N, classes), and whether each is one of the classes (N,).

        Args:
            pixels: (N, S, S, C) in this view.
        """
        if not len(pixels):
            return np.zeros((0, self.classes), np.float32), np.zeros(0, np.bool_)
        outputs = outputs_of(self._engines, self.preprocessing, pixels, batch_size=batch_size)
        probabilities, known = self.decided(outputs)
        return probabilities.numpy(), known.numpy()

    def decided(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (N, classes) and whether each is one of the classes (N,).

        Args:
            outputs: of `network`.
        """
        probabilities = self.calibration(outputs[:, : self.classes])
        if self.familiarity is None:
            return probabilities, probabilities.amax(1) >= self.calibration.threshold
        return probabilities, outputs[:, self.classes] >= self.familiarity.threshold

    def network(self) -> nn.Module:
        """A copy for answering, batch normalization folded: logits (N, classes).

        With a `familiarity`, (N, classes + 1): the last column is what that gives.
        """
        copy = folded(self.model)
        return copy if self.familiarity is None else judging(copy, self.familiarity)

    def probabilities(self, logits: Tensor) -> Tensor:
        return self.calibration(logits.float())

    @property
    def refuses(self) -> bool:
        """Whether it can say that a picture is none of the classes."""
        return self.familiarity is not None or self.calibration.threshold > 0

    def familiar(
        self,
        pixels: Pixels,
        targets: NDArray[np.int64],
        learned: NDArray[np.int64],
        held_out: NDArray[np.int64],
    ) -> Self:
        """The same, able to say "none of these" by how far a picture is from those learned from.

        Where the network has no full connection that gives the logits, or one of more than WIDEST
        features, nothing changes.

        Args:
            pixels: (N, S, S, C) pictures in this view.
            targets: (N,) their classes.
            learned: the rows that were learned from; about MOST of them are used.
            held_out: the rows, at least one, of which 95 % shall stay known.
        """
        try:
            last = classifier(self.model)[1]
        except ModelError:
            return self
        if last.in_features > WIDEST or last.out_features != self.classes:
            return self
        learned = learned[some_of_each(targets[learned])]
        held_out = held_out[:: -(-len(held_out) // MOST)]
        known, others = (
            outputs_of(Before(self.model), self.preprocessing, pixels[rows], batch_size=32)
            for rows in (learned, held_out)
        )
        seen = torch.from_numpy(targets[learned])
        return self.knowing(known.flatten(1), seen, others.flatten(1))

    def knowing(self, features: Tensor, targets: Tensor, held_out: Tensor) -> Self:
        """As `familiar`, from the features (N, D) that the last full connection reads."""
        found = Familiarity.fitted(features, targets, held_out, classes=self.classes)
        return replace(self, familiarity=found)

    def features(
        self, batch: Sequence[Pixels], *, layer: str | None = None, pool: Pool = "none"
    ) -> NDArray[np.float32]:
        model = Before(self.model) if layer is None else cut(self.model, layer)
        found = outputs_of(model, self.preprocessing, np.stack(batch))
        if pool != "none" and found.ndim == 4:
            found = found.mean((2, 3)) if pool == "avg" else found.amax((2, 3))
        return found.flatten(1).numpy()

    def tensors(self) -> dict[str, Tensor]:
        tensors = dict(self.model.state_dict())
        if self.familiarity is not None:
            tensors[DIRECTIONS] = self.familiarity.directions
        return tensors

    def header(self) -> dict[str, Any]:
        known = self.familiarity
        return {
            **self.form(),
            "preprocessing": self.preprocessing.to_json(),
            "calibration": asdict(self.calibration),
            "familiarity": None if known is None else {"threshold": known.threshold},
        }

    @abstractmethod
    def form(self) -> dict[str, Any]:
        """How the model is built again, as plain JSON values."""

    @cached_property
    def _engines(self) -> Engines:
        view = self.preprocessing.view
        shape = (view.channels, view.size, view.size)
        return Engines(channels_last(self.network()), shape, self.engine)


def parts_of(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any], skeleton: nn.Module
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The model's own tensors in a file, and what a `Classifier` needs beside the model.

    Args:
        skeleton: the model, perhaps without memory; sizes are compared with it first.

    Raises:
        ValueError, LookupError, TypeError: if they do not belong together.
    """
    own = dict(tensors)
    known = header["familiarity"]
    expected = dict(skeleton.state_dict())
    if known is not None:
        rows, width = classifier(skeleton)[1].weight.shape
        expected[DIRECTIONS] = torch.empty(rows, width, device="meta")
    same_kinds(expected, own)
    familiarity = None
    if known is not None:
        familiarity = Familiarity(own.pop(DIRECTIONS), number(known["threshold"]))
    calibration = {name: number(value) for name, value in header["calibration"].items()}
    return own, {
        "preprocessing": Preprocessing.from_json(header["preprocessing"]),
        "calibration": Calibration(**calibration),
        "familiarity": familiarity,
    }


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
