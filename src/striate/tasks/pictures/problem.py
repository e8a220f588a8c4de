"""Whole pictures to logits: batches of random views, and a score of validation pictures."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment.augmentation import Draw
from striate.data import SMALL, SPLITS, Dataset, Decoded, bits_of, decode, native
from striate.data.batches import Batch, Batches, Pending, Views
from striate.errors import DataError, ModelError
from striate.images import View
from striate.inference import Preprocessing
from striate.inference.devices import sent
from striate.inference.outputs import BATCH, outputs_of
from striate.models.fusion import fused
from striate.models.surgery import decision
from striate.ops.memory import learning_layout
from striate.training import Problem, Recipe, group
from striate.training.problem import CPU
from striate.training.seeds import generator_for


class PictureProblem(Problem[Dataset | Decoded, Batch]):
    """Images (N, C, S, S), normalized, to logits (N, classes).

    Args:
        classes: their names, in the order of the class numbers.
        preprocessing: what the network takes; where None, the pictures' own size (or 224 px for
            photographs) and the mean and deviation of the training images.
        learned_from: the view of which the recipe cuts what the network learns from, where that is
            another than the view that it is used with.
    """

    evaluated_by_all = True
    evaluated_rounded = True

    def __init__(
        self,
        classes: Sequence[str],
        *,
        preprocessing: Preprocessing | None = None,
        learned_from: View | None = None,
    ):
        self.classes = tuple(classes)
        self._preprocessing = preprocessing
        self._learned_from = learned_from

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
        """The data with their pixels in the view of this problem."""
        view = self._preprocessing.view if self._preprocessing else natural_view(data)
        if isinstance(data, Decoded) and view not in data.pixels:
            data = data.dataset
        decoded = data if isinstance(data, Decoded) else decode(data, [view])
        if self._preprocessing is None:
            self._preprocessing = Preprocessing.measured(view, pixels_of(decoded, view, "train"))
        return decoded

    def examples(self, data: Dataset | Decoded) -> int:
        return len(dataset_of(data).train)

    def batches(
        self,
        data: Dataset | Decoded,
        recipe: Recipe,
        *,
        seed: int,
        start: int,
        device: torch.device = CPU,
    ) -> Iterator[Batch]:
        decoded = self.prepare(data)
        view = self.preprocessing.view
        augmentation = recipe.augmentation.sized(view.size)
        some = Batches(
            decoded.pixels[self._learned_from or view],
            self.targets(decoded.dataset),
            rows=np.flatnonzero(decoded.dataset.split == SPLITS.index("train")),
            size=recipe.batch_size,
            seed=seed,
            start=start,
            weights=importance(decoded.dataset.train, recipe.balance),
        )
        for step, batch in enumerate(some, start):
            draw = augmentation.drawn(len(batch), batch.images.shape[2:], generator_for(seed, step))
            views = partial(self._views, batch.images, draw, device)
            pending = Pending(views, len(batch), device)
            yield Views(pending, sent(batch.targets, device), batch.indices)

    def _views(
        self, images: Tensor, draw: Draw, device: torch.device, low: int, high: int
    ) -> Tensor:
        """Some of the images in the views that were drawn, as the network takes them."""
        rows = slice(low, high)
        return self.preprocessing(draw.of(rows)(sent(images[rows], device)))

    @abstractmethod
    def targets(self, dataset: Dataset) -> NDArray[np.int64]:
        """(N, ...) what a batch has of each example."""

    @abstractmethod
    def measured(self, outputs: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
        """The metrics of a model's outputs on the validation split, `score` among them."""

    def wanted(self, data: Dataset | Decoded, part: str) -> NDArray[np.int64]:
        """The targets of a split."""
        dataset = dataset_of(data)
        return self.targets(dataset)[dataset.split == SPLITS.index(part)]

    def learner(self, model: nn.Module) -> nn.Module:
        layout = learning_layout(model)
        model.to(memory_format=layout)  # type: ignore[call-overload]
        return LaidOut(fused(model), layout)

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        try:
            found = list(decision(model)[1].parameters())
        except ModelError:  # nothing that we know gives the logits: nothing is new, and all learn
            found = []
        return found or list(model.parameters())

    def evaluate(self, model: nn.Module, data: Dataset | Decoded) -> dict[str, float]:
        pixels = pixels_of(self.prepare(data), self.preprocessing.view, "validation")
        outputs = group.by_all(
            len(pixels),
            lambda low, high: outputs_of(model, self.preprocessing, pixels[low:high]),
            batch=BATCH,
        )
        return self.measured(outputs, self.wanted(data, "validation"))

    def identity(self, data: Dataset | Decoded) -> dict[str, Any]:
        return {
            "classes": list(self.classes),
            "preprocessing": self.preprocessing.to_json(),
            "data": dataset_of(data).fingerprint(),
            "split": hashlib.sha256(dataset_of(data).split.tobytes()).hexdigest(),
        }


class LaidOut(nn.Module):
    """A network whose images are brought to the layout in which it learns faster."""

    def __init__(self, model: nn.Module, layout: torch.memory_format):
        super().__init__()
        self.model, self.layout = model, layout

    def forward(self, images: Tensor) -> Any:
        return self.model(images.contiguous(memory_format=self.layout))


def laid_out(model: nn.Module, images: Tensor) -> tuple[nn.Module, Tensor]:
    """The network inside a `LaidOut` one, with the images as it takes them; others as they are."""
    if isinstance(model, LaidOut):
        return model.model, images.contiguous(memory_format=model.layout)
    return model, images


def importance(dataset: Dataset, balance: float) -> NDArray[np.float64] | None:
    """(N,) how much each example counts, 1 in the mean; None where all count alike.

    That is its own weight, and that of its class; of several, of the rarest (`Targets.strata`).
    With a balance of 1 all classes count alike, with 0 all examples do.

    Raises:
        DataError: if nothing counts.
    """
    if not balance and dataset.weights is None:
        return None
    weights = np.ones(len(dataset)) if dataset.weights is None else dataset.weights
    if not weights.any():
        raise DataError(f"{dataset.name}: no training {dataset.thing} has a weight above 0")
    if balance:
        _, place = np.unique(dataset.targets.strata(), return_inverse=True)
        each = np.bincount(place.reshape(-1), weights)
        weights = weights * np.maximum(each, 1e-12)[place.reshape(-1)] ** -balance
    found: NDArray[np.float64] = weights / weights.mean()
    return found


def natural_view(data: Dataset | Decoded) -> View:
    """Small pictures as they are, in gray where they are gray; photographs at 224 px."""
    side, gray = native(dataset_of(data))
    bits = bits_of(dataset_of(data).inputs)
    if side > SMALL:
        return View(224, bits=bits)
    return View(side, channels=1 if gray else 3, fit="squash", bits=bits)


def pixels_of(data: Decoded, view: View, part: str) -> NDArray[np.uint8]:
    """The pixels (N, S, S, C) of one split."""
    rows = np.flatnonzero(data.dataset.split == SPLITS.index(part))
    return taken(data.pixels[view], rows)


def taken(pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Those rows; nothing is copied where they lie one after the other."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return pixels[rows[0] : rows[-1] + 1]
    return pixels[rows]


def dataset_of(data: Dataset | Decoded) -> Dataset:
    return data.dataset if isinstance(data, Decoded) else data
