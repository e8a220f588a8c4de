"""A network with its preprocessing, class names, calibration and provenance."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images as pictures
from striate.errors import ImageError, ModelError
from striate.models import classifier, cut, folded
from striate.ops.memory import channels_last
from striate.recognizer.calibration import Calibration
from striate.recognizer.engines import Engine, Engines
from striate.recognizer.familiarity import MOST, WIDEST, Familiarity, judging, some_of_each
from striate.recognizer.prediction import Prediction
from striate.recognizer.reading import Picture, batches
from striate.training import Preprocessing
from striate.training.outputs import outputs_of


@dataclass(frozen=True, eq=False)
class Recognizer:
    """Answers "what is this?" the same way wherever it runs.

    Attributes:
        model: images (N, C, S, S), preprocessed, to logits (N, classes).
        architecture: how to build the model again: `{"name": ..., "options": {...}}`; of a network
            that striate cannot build, `{"name": None, "kind": ...}`.
        provenance: recipe, data fingerprint, scores: plain JSON values.
        familiarity: what decides between the classes and "none of these"; where None, it is the
            calibration's threshold on the largest probability.
        engine: what computes the answers: "torch", "compiled", "onnxruntime", "openvino", or
            "auto", the fastest of those installed, by a short measurement that is remembered.
    """

    model: nn.Module
    architecture: dict[str, Any]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    calibration: Calibration = field(default_factory=Calibration)
    provenance: dict[str, Any] = field(default_factory=dict)
    familiarity: Familiarity | None = None
    engine: str = "torch"

    def __call__(self, images: Iterable[Picture], *, batch_size: int = 32) -> list[Prediction]:
        """Predictions for paths and arrays (see `predict`)."""
        return list(self.predict(images, batch_size=batch_size))

    def predict(self, images: Iterable[Picture], *, batch_size: int = 32) -> Iterator[Prediction]:
        """One prediction a picture, in order, however many there are: memory does not grow.

        Args:
            images: paths, or arrays as `striate.images.to_rgb` takes them.
        """
        for names, decoded in batches(images, self._pixels, batch_size):
            good = [pixels for pixels in decoded if not isinstance(pixels, ImageError)]
            answers = iter(zip(*self.answers(np.stack(good)), strict=True) if good else ())
            for name, pixels in zip(names, decoded, strict=True):
                if isinstance(pixels, ImageError):
                    yield Prediction(name, error=str(pixels))
                else:
                    shares, known = next(answers)
                    yield Prediction.of(name, self.classes, shares, bool(known))

    def probabilities(
        self, pixels: NDArray[np.uint8], *, batch_size: int = 64
    ) -> NDArray[np.float32]:
        """Calibrated probabilities (N, classes) of pixels (N, S, S, C) in this view."""
        return self.answers(pixels, batch_size=batch_size)[0]

    def answers(
        self, pixels: NDArray[np.uint8], *, batch_size: int = 64
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Calibrated probabilities (N, classes), and whether each is one of the classes (N,).

        Args:
            pixels: (N, S, S, C) in this view.
        """
        count = len(self.classes)
        if not len(pixels):
            return np.zeros((0, count), np.float32), np.zeros(0, np.bool_)
        outputs = outputs_of(self._engines, self.preprocessing, pixels, batch_size=batch_size)
        probabilities = self.calibration(outputs[:, :count])
        return probabilities.numpy(), self.knows(probabilities, outputs[:, count:]).numpy()

    def knows(self, probabilities: Tensor, familiar: Tensor) -> Tensor:
        """Whether a picture is one of the classes (N,).

        Args:
            probabilities: (N, classes), calibrated.
            familiar: (N, 1) what `familiarity` says; (N, 0) where there is none.
        """
        if self.familiarity is None:
            return probabilities.amax(1) >= self.calibration.threshold
        return familiar[:, 0] >= self.familiarity.threshold

    def network(self) -> nn.Module:
        """A copy that answers at once: batch normalization folded, (N, classes) logits.

        With a `familiarity`, (N, classes + 1): the last column is what that says.
        """
        copy = folded(self.model)
        return copy if self.familiarity is None else judging(copy, self.familiarity)

    def familiar(
        self,
        pixels: NDArray[np.uint8],
        targets: NDArray[np.int64],
        learned: NDArray[np.int64],
        held_out: NDArray[np.int64],
    ) -> "Recognizer":
        """The same, able to say "none of these" by how far a picture is from those learned from.

        Where the network has no full connection that gives the logits, or one of more than WIDEST
        features, nothing changes.

        Args:
            pixels: (N, S, S, C) pictures in this view.
            targets: (N,) their classes.
            learned: the rows that were learned from; about MOST of them are looked at.
            held_out: the rows, at least one, of which 95 % shall stay known.
        """
        try:
            last = classifier(self.model)[1]
        except ModelError:
            return self
        if last.in_features > WIDEST or last.out_features != len(self.classes):
            return self
        learned = learned[some_of_each(targets[learned])]
        held_out = held_out[:: -(-len(held_out) // MOST)]
        known, others = (
            outputs_of(Before(self.model), self.preprocessing, pixels[rows], batch_size=32)
            for rows in (learned, held_out)
        )
        seen = torch.from_numpy(targets[learned])
        return self.knowing(known.flatten(1), seen, others.flatten(1))

    def knowing(self, features: Tensor, targets: Tensor, held_out: Tensor) -> "Recognizer":
        """As `familiar`, from the features (N, D) that the last full connection reads."""
        count = len(self.classes)
        familiarity = Familiarity.fitted(features, targets, held_out, classes=count)
        return replace(self, familiarity=familiarity)

    def features(
        self, images: Iterable[Picture], *, layer: str | None = None, batch_size: int = 32
    ) -> NDArray[np.float32]:
        """Deep features (N, D): what `layer` says of each picture, flattened.

        Args:
            layer: a stage or module by name; where None, what the last full connection reads.

        Raises:
            ImageError: for the first picture that cannot be read.
            UnknownName: if there is no such layer.
        """
        model = Before(self.model) if layer is None else cut(self.model, layer)
        parts = []
        for names, decoded in batches(images, self._pixels, batch_size):
            good = []
            for name, pixels in zip(names, decoded, strict=True):
                if isinstance(pixels, ImageError):
                    raise ImageError(f"{name}: {pixels}") from pixels
                good.append(pixels)
            parts.append(outputs_of(model, self.preprocessing, np.stack(good)).flatten(1))
        if not parts:
            raise ModelError("there are no pictures to take features of")
        return torch.cat(parts).numpy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes all of it to one .safetensors file, atomically; `striate.load` reads it."""
        from striate.recognizer.storage import save

        save(self, path)

    @cached_property
    def _engines(self) -> Engine:
        return Engines(channels_last(self.network()), self._shape, self.engine)

    @property
    def _shape(self) -> tuple[int, int, int]:
        view = self.preprocessing.view
        return view.channels, view.size, view.size

    def _pixels(self, picture: Picture) -> NDArray[np.uint8]:
        view = self.preprocessing.view
        if isinstance(picture, str | os.PathLike):
            return pictures.render(pictures.load(picture), [view])[0]
        return pictures.apply(pictures.to_rgb(np.asarray(picture)), view)


class Before(nn.Module):
    """A network up to what its last full connection reads."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        seen: list[Tensor] = []
        handle = classifier(self.model)[1].register_forward_pre_hook(
            lambda module, inputs: seen.append(inputs[0])
        )
        try:
            self.model(images)
        finally:
            handle.remove()
        return seen[-1]
