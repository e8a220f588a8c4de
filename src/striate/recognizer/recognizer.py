"""A network with its preprocessing, class names, calibration and provenance."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
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
from striate.training import Preprocessing, evaluating

Picture = str | os.PathLike[str] | NDArray[Any]
AHEAD = 4  # batches that are asked for before the first is answered; memory holds no more


@dataclass(frozen=True)
class Label:
    """A class and its calibrated probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What one picture shows: every class, the most probable first; or why it could not be read."""

    name: str
    labels: tuple[Label, ...] = ()
    known: bool = False
    """Whether the answer is one of the classes at all; False says "none of these"."""
    error: str | None = None

    def to_json(self, *, top: int | None = None) -> dict[str, Any]:
        """`{"path", "labels": [{"name", "probability"}], "known"}`, or `{"path", "error"}`."""
        if self.error is not None:
            return {"path": self.name, "error": self.error}
        labels = [{"name": k.name, "probability": k.probability} for k in self.labels[:top]]
        return {"path": self.name, "labels": labels, "known": self.known}


@dataclass(frozen=True, eq=False)
class Recognizer:
    """Answers "what is this?" the same way wherever it runs.

    Attributes:
        model: images (N, C, S, S), preprocessed, to logits (N, classes).
        architecture: how to build the model again: `{"name": ..., "options": {...}}`; of a network
            that striate cannot build, `{"name": None, "kind": ...}`.
        provenance: recipe, data fingerprint, scores: plain JSON values.
    """

    model: nn.Module
    architecture: dict[str, Any]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    calibration: Calibration = field(default_factory=Calibration)
    provenance: dict[str, Any] = field(default_factory=dict)

    def __call__(self, images: Iterable[Picture], *, batch_size: int = 32) -> list[Prediction]:
        """Predictions for paths and arrays (see `predict`)."""
        return list(self.predict(images, batch_size=batch_size))

    def predict(self, images: Iterable[Picture], *, batch_size: int = 32) -> Iterator[Prediction]:
        """One prediction a picture, in order, however many there are: memory does not grow.

        Args:
            images: paths, or arrays as `striate.images.to_rgb` takes them.
        """
        for names, decoded in self._batches(images, batch_size):
            good = [pixels for pixels in decoded if not isinstance(pixels, ImageError)]
            answers = iter(self.probabilities(np.stack(good)) if good else ())
            for name, pixels in zip(names, decoded, strict=True):
                if isinstance(pixels, ImageError):
                    yield Prediction(name, error=str(pixels))
                else:
                    yield self._prediction(name, next(answers))

    def probabilities(
        self, pixels: NDArray[np.uint8], *, batch_size: int = 64
    ) -> NDArray[np.float32]:
        """Calibrated probabilities (N, classes) of pixels (N, S, S, C) in this view."""
        if not len(pixels):
            return np.zeros((0, len(self.classes)), np.float32)
        logits = self._run(self._fast, pixels, batch_size)
        return self.calibration(logits).numpy()

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
        for names, decoded in self._batches(images, batch_size):
            good = []
            for name, pixels in zip(names, decoded, strict=True):
                if isinstance(pixels, ImageError):
                    raise ImageError(f"{name}: {pixels}") from pixels
                good.append(pixels)
            parts.append(self._run(model, np.stack(good), batch_size).flatten(1))
        if not parts:
            raise ModelError("there are no pictures to take features of")
        return torch.cat(parts).numpy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes all of it to one .safetensors file, atomically; `striate.load` reads it."""
        from striate.recognizer.storage import save

        save(self, path)

    @cached_property
    def _fast(self) -> nn.Module:
        """The network with its batch normalizations folded in; the answers are the same."""
        return channels_last(folded(self.model))

    def _run(self, model: nn.Module, pixels: NDArray[np.uint8], batch_size: int) -> Tensor:
        parts = []
        with evaluating(model):
            for first in range(0, len(pixels), batch_size):
                some = np.ascontiguousarray(pixels[first : first + batch_size])
                images = self.preprocessing.tensor(some)
                parts.append(model(images.contiguous(memory_format=torch.channels_last)).float())
        return torch.cat(parts)

    def _prediction(self, name: str, probabilities: NDArray[np.float32]) -> Prediction:
        order = np.argsort(-probabilities, kind="stable")
        labels = tuple(Label(self.classes[k], float(probabilities[k])) for k in order)
        return Prediction(name, labels, labels[0].probability >= self.calibration.threshold)

    def _batches(
        self, images: Iterable[Picture], size: int
    ) -> Iterator[tuple[list[str], list[NDArray[np.uint8] | ImageError]]]:
        """Names and pixels, or errors, a batch at a time; the next ones are decoded meanwhile."""
        if isinstance(images, str | os.PathLike):
            raise TypeError(f"give a list of pictures, not one path: [{str(images)!r}]")
        source = enumerate(images)
        waiting: deque[list[tuple[str, Future[NDArray[np.uint8] | ImageError]]]] = deque()
        pool = ThreadPoolExecutor(os.cpu_count())
        try:
            while True:
                while len(waiting) < AHEAD and (some := list(islice(source, size))):
                    waiting.append([(_name(i, p), pool.submit(self._pixels, p)) for i, p in some])
                if not waiting:
                    return
                batch = waiting.popleft()
                yield [name for name, _ in batch], [future.result() for _, future in batch]
        finally:  # who stops listening does not wait for pictures that nobody will see
            pool.shutdown(cancel_futures=True)

    def _pixels(self, picture: Picture) -> NDArray[np.uint8] | ImageError:
        try:
            view = self.preprocessing.view
            if isinstance(picture, str | os.PathLike):
                return pictures.render(pictures.load(picture), [view])[0]
            return pictures.apply(pictures.to_rgb(np.asarray(picture)), view)
        except ImageError as error:
            return error


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


def _name(number: int, picture: Sequence[Any] | Picture) -> str:
    """The path, or "image 3" for an array."""
    return str(Path(picture)) if isinstance(picture, str | os.PathLike) else f"image {number}"
