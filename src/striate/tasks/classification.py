"""One class an image: cross-entropy in, top-1 and top-5 out."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import SMALL, SPLITS, Batch, Batches, Dataset, Decoded, decode, native
from striate.evaluation import top_k
from striate.images import View
from striate.models import classifier
from striate.models.fusion import fused
from striate.ops.memory import learning_layout
from striate.training import Preprocessing, Recipe, Task, device_of
from striate.training.outputs import outputs_of


class Classification(Task[Dataset | Decoded, Batch]):
    """Images (N, C, S, S), normalized, to logits (N, classes).

    Args:
        classes: their names, in the order of the class numbers.
        preprocessing: what the network takes; where None, the pictures' own size (or 224 px for
            photographs) and the mean and deviation of the training images.
    """

    score = "top1"

    def __init__(self, classes: Sequence[str], *, preprocessing: Preprocessing | None = None):
        self.classes = tuple(classes)
        self._preprocessing = preprocessing
        self._smoothing = 0.0
        self._device = torch.device("cpu")
        self._layout = torch.contiguous_format

    @property
    def preprocessing(self) -> Preprocessing:
        """What the network takes; known after `prepare` where it was not given.

        Raises:
            ValueError: before that.
        """
        if self._preprocessing is None:
            raise ValueError("the preprocessing is measured when data are prepared; none were yet")
        return self._preprocessing

    def prepare(self, data: Dataset | Decoded) -> Decoded:
        """The data with their pixels in the view of this task."""
        view = self._preprocessing.view if self._preprocessing else natural_view(data)
        if isinstance(data, Decoded) and view not in data.pixels:
            data = data.dataset
        decoded = data if isinstance(data, Decoded) else decode(data, [view])
        if self._preprocessing is None:
            pixels, _ = split(decoded, view, "train")
            self._preprocessing = Preprocessing.measured(view, pixels)
        return decoded

    def examples(self, data: Dataset | Decoded) -> int:
        return len(self._dataset(data).train)

    def batches(
        self, data: Dataset | Decoded, recipe: Recipe, *, seed: int, start: int
    ) -> Iterator[Batch]:
        decoded = self.prepare(data)
        some = Batches(
            decoded.pixels[self.preprocessing.view],
            decoded.dataset.targets,
            rows=np.flatnonzero(decoded.dataset.split == SPLITS.index("train")),
            size=recipe.batch_size,
            seed=seed,
            start=start,
        )
        generator = torch.Generator()
        for step, batch in enumerate(some, start):
            generator.manual_seed(hash((seed, step)) % 2**63)
            views = recipe.augmentation(batch.images.to(self._device), generator)
            targets = batch.targets.to(self._device)
            yield replace(batch, images=self.preprocessing(views), targets=targets)

    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        logits = model(batch.images.contiguous(memory_format=self._layout))
        loss = F.cross_entropy(logits, batch.targets, label_smoothing=self._smoothing)
        return {"cross_entropy": loss}

    def learner(self, model: nn.Module) -> nn.Module:
        return fused(model)

    def objectives(self, model: nn.Module, recipe: Recipe, steps: int) -> Any:
        self._layout = learning_layout(model)
        model.to(memory_format=self._layout)  # type: ignore[call-overload]
        self._device = device_of(model)
        self._smoothing = recipe.label_smoothing
        return super().objectives(model, recipe, steps)

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        return list(classifier(model)[1].parameters())

    def evaluate(self, model: nn.Module, data: Dataset | Decoded) -> dict[str, float]:
        """Top-1, top-5 and the mean cross-entropy on the validation split."""
        pixels, targets = split(self.prepare(data), self.preprocessing.view, "validation")
        return self.metrics(outputs_of(model, self.preprocessing, pixels), targets)

    def metrics(self, logits: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
        """What `evaluate` gives, from logits (N, classes) and class numbers (N,)."""
        wanted, scores = torch.from_numpy(targets), logits.numpy()
        return {
            "top1": top_k(scores, targets),
            "top5": top_k(scores, targets, 5),
            "validation_loss": float(F.cross_entropy(logits, wanted)),
        }

    def identity(self, data: Dataset | Decoded) -> dict[str, Any]:
        return {
            "classes": list(self.classes),
            "preprocessing": self.preprocessing.to_json(),
            "data": self._dataset(data).fingerprint(),
            "split": hashlib.sha256(self._dataset(data).split.tobytes()).hexdigest(),
        }

    def _dataset(self, data: Dataset | Decoded) -> Dataset:
        return data.dataset if isinstance(data, Decoded) else data


def natural_view(data: Dataset | Decoded) -> View:
    """Small pictures as they are, in gray where they are gray; photographs at 224 px."""
    dataset = data.dataset if isinstance(data, Decoded) else data
    side, gray = native(dataset)
    if side > SMALL:
        return View(224)
    return View(side, channels=1 if gray else 3, fit="squash")


def split(data: Decoded, view: View, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pixels (N, S, S, C) and targets (N,) of one split."""
    rows = np.flatnonzero(data.dataset.split == SPLITS.index(name))
    pixels = data.pixels[view]
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:  # a slice copies nothing
        return pixels[rows[0] : rows[-1] + 1], data.dataset.targets[rows]
    return pixels[rows], data.dataset.targets[rows]
