"""How R-CNN's network learns to look at regions (Girshick et al. 2014, arXiv:1311.2524, Section
2.3, "domain-specific fine-tuning").

It was trained for whole photographs; what it reads here are crops, warped to a square. So it goes
on learning: which class a crop belongs to, or none. Only its features are used afterwards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment import Augmentation, Spread
from striate.data.boxes import BoxedDataset, whole
from striate.tasks.detection.rcnn_crops import Places, labeled, sampled
from striate.tasks.detection.rcnn_features import Eye, Reader, warped
from striate.tasks.detection.rcnn_looking import Searched
from striate.tasks.detection.task import drawn
from striate.training import Recipe, Run, Task, fastest_device, fit
from striate.training.modes import evaluating, seeded

EPOCH = 800  # pictures that one epoch shows at least
ASKED = 4  # times as many crops of a validation picture are asked about

# For about 10 minutes of one core; Section 2.3's own rate, 0.001 by SGD, belongs to 50,000 steps.
RECIPE = Recipe(
    epochs=6,
    batch_size=16,
    learning_rate=1e-3,
    optimizer="adamw",
    weight_decay=1e-2,
    warmup=0.1,
    freeze_statistics=True,
    clip=5.0,
    augmentation=Augmentation(
        Spread(mirror=0.5), brightness=0.1, contrast=0.1, saturation=0.1
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Crops:
    """What is learned from, and what is asked about after each epoch."""

    dataset: BoxedDataset
    training: tuple[Places, ...]
    validation: tuple[Places, ...]


@dataclass(frozen=True)
class Batch:
    """(B, 3, S, S) normalized crops and their (B,) classes."""

    crops: Tensor
    classes: Tensor


class Tuned(nn.Module):
    """Crops (B, 3, S, S) to scores of the classes and of none of them, (B, classes + 1)."""

    def __init__(self, eye: Eye, classes: int):
        super().__init__()
        self.eye = eye
        self.top = nn.Linear(eye.width, classes + 1)
        nn.init.zeros_(self.top.weight)
        nn.init.zeros_(self.top.bias)

    def forward(self, crops: Tensor) -> Tensor:
        features: Tensor = self.eye(crops)
        return self.top(F.layer_norm(features, features.shape[1:]))


class Tuning(Task[Crops, Batch]):
    """Classes of crops. A batch of the recipe is so many pictures, with eight crops of each."""

    score = "recall"

    def __init__(self, reader: Reader):
        self.reader = reader

    def prepare(self, data: Crops) -> Crops:
        return data

    def examples(self, data: Crops) -> int:
        count = len(data.training)
        return count * max(1, round(EPOCH / max(1, count)))

    def batches(self, data: Crops, recipe: Recipe, *, seed: int, start: int) -> Iterator[Batch]:
        numbers, size = np.arange(len(data.training)), recipe.batch_size
        step = start
        while True:
            random = np.random.default_rng([seed, step])
            chosen = [drawn(numbers, seed, step * size + place) for place in range(size)]
            pairs = [self._crops(data, data.training[k], random, 1) for k in chosen]
            generator = torch.Generator().manual_seed(int(random.integers(2**62)))
            yield self._batch(pairs, recipe.augmentation, generator)
            step += 1

    def _crops(
        self, data: Crops, places: Places, random: np.random.Generator, times: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """(B, S, S, 3) and (B,) of a picture."""
        rows = sampled(places.labels, len(data.dataset.classes), random, times)
        pixels = whole(data.dataset.images, places.row)
        gray = self.reader.normalization.mean
        crops = warped(pixels, places.boxes[rows].tolist(), self.reader.looking, gray)
        return np.concatenate(list(crops)), places.labels[rows]

    def _batch(
        self,
        pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.int64]]],
        augmentation: Augmentation,
        generator: torch.Generator | None = None,
    ) -> Batch:
        crops = torch.from_numpy(np.concatenate([crops for crops, _ in pairs]))
        views = augmentation(crops.permute(0, 3, 1, 2), generator).clamp(0, 255)
        classes = torch.from_numpy(np.concatenate([classes for _, classes in pairs]))
        return Batch(self.reader.normalized(views), classes)

    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        device = next(model.parameters()).device
        scores = model(batch.crops.to(device))
        return {"class": F.cross_entropy(scores, batch.classes.to(device))}

    def evaluate(self, model: nn.Module, data: Crops) -> dict[str, float]:
        """`recall`: the share of each class's crops, and of those of none, that are told right, on
        average; on validation pictures, or where these have no crops on those learned from."""
        device = next(model.parameters()).device
        count = len(data.dataset.classes) + 1
        right, total = np.zeros(count), np.zeros(count)
        for places in data.validation or data.training:
            random = np.random.default_rng(places.row)
            batch = self._batch([self._crops(data, places, random, ASKED)], Augmentation())
            with evaluating(model):
                told = model(batch.crops.to(device)).argmax(1).cpu()
            hits = batch.classes[told == batch.classes]
            right += np.bincount(hits, minlength=count)
            total += np.bincount(batch.classes, minlength=count)
        return {"recall": float((right[total > 0] / total[total > 0]).mean())}

    def identity(self, data: Crops) -> dict[str, Any]:
        return {
            "task": "tuning of R-CNN",
            "data": data.dataset.fingerprint(),
            "split": data.dataset.split.tolist(),
            "reader": self.reader.header(),
        }

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        assert isinstance(model, Tuned)
        return list(model.top.parameters())


def tune(
    reader: Reader,
    data: BoxedDataset,
    training: Searched,
    validation: Searched,
    recipe: Recipe,
    *,
    fresh: bool = False,
    folder: Path | None = None,
    resume: bool = False,
    seed: int = 0,
) -> tuple[Reader, Run]:
    """A reader whose network has learned what these places show.

    Args:
        fresh: nothing is learned yet that should stay.

    Raises:
        ValueError: if no place of a training picture can be learned from.
    """
    count = len(data.classes)
    crops = Crops(data, labeled(data, training, count), labeled(data, validation, count))
    if fresh:
        recipe = recipe.but(freeze_statistics=False)
    with seeded(seed):
        eye = Eye(reader.backbone)
        eye.load_state_dict(reader.eye.state_dict())
        eye.requires_grad_(True)
        model = Tuned(eye, count).to(fastest_device())
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = fit(model, Tuning(reader), crops, recipe, folder=folder, resume=resume, seed=seed)
    return Reader(reader.backbone, eye.cpu(), reader.normalization, reader.looking), run
