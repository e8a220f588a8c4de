"""How R-CNN's network is fine-tuned on regions (Girshick et al. 2014, arXiv:1311.2524, Section 2.3,
"domain-specific fine-tuning").

It was trained on whole photographs; what it reads here are crops, warped to a square. So it goes
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
from striate.data import Dataset
from striate.data.boxes import Boxes, whole
from striate.data.splits import TRAIN
from striate.inference import device_of, evaluating, fastest_device
from striate.tasks.contract import Ask
from striate.tasks.detection.problem import drawn
from striate.tasks.detection.rcnn.crops import LabeledRegions, labeled, sampled
from striate.tasks.detection.rcnn.extraction import Regions
from striate.tasks.detection.rcnn.features import CropNetwork, RegionFeatures
from striate.tasks.detection.rcnn.warping import warped_crops
from striate.training import Problem, Recipe, Run, fit
from striate.training.modes import seeded
from striate.training.problem import CPU
from striate.training.seeds import generator_for, seed_of

SHOWN = 800  # training pictures between two evaluations, at least
TESTED = 4  # times as many crops of a validation picture are classified

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
    """What is learned from, and what is classified after each epoch."""

    dataset: Dataset[Boxes]
    training: tuple[LabeledRegions, ...]
    validation: tuple[LabeledRegions, ...]


@dataclass(frozen=True)
class Batch:
    """(B, 3, S, S) normalized crops and their (B,) classes."""

    crops: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.classes)

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        pairs = zip(self.crops.tensor_split(count), self.classes.tensor_split(count), strict=True)
        return [Batch(crops, classes) for crops, classes in pairs]


class CropClassifier(nn.Module):
    """Crops (B, 3, S, S) to scores of the classes and of background, (B, classes + 1)."""

    def __init__(self, network: CropNetwork, classes: int):
        super().__init__()
        self.network = network
        self.top = nn.Linear(network.width, classes + 1)
        nn.init.zeros_(self.top.weight)
        nn.init.zeros_(self.top.bias)

    def forward(self, crops: Tensor) -> Tensor:
        features: Tensor = self.network(crops)
        return self.top(F.layer_norm(features, features.shape[1:]))


class Tuning(Problem[Crops, Batch]):
    """Classes of crops. A batch of the recipe is so many pictures, with eight crops of each."""

    score = "recall"

    def __init__(self, extractor: RegionFeatures, *, every: int = 1):
        self.extractor, self.every = extractor, every

    def prepare(self, data: Crops) -> Crops:
        return data

    def examples(self, data: Crops) -> int:
        return len(data.training)

    def batches(
        self, data: Crops, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        numbers, size = np.arange(len(data.training)), recipe.batch_size
        step = start
        while True:
            random = np.random.default_rng(seed_of(seed, step))
            chosen = [drawn(numbers, seed, step * size + place) for place in range(size)]
            pairs = [self._crops(data, data.training[k], random, 1) for k in chosen]
            yield self._batch(pairs, recipe.augmentation, generator_for(seed, step))
            step += 1

    def _crops(
        self, data: Crops, places: LabeledRegions, random: np.random.Generator, times: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """(B, S, S, 3) and (B,) of a picture."""
        rows = sampled(places.labels, len(data.dataset.classes), random, times)
        pixels = whole(data.dataset.inputs, places.row)
        background = self.extractor.normalization.mean
        boxes, settings = places.boxes[rows].tolist(), self.extractor.settings
        crops = warped_crops(pixels, boxes, settings, background)
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
        return Batch(self.extractor.normalized(views), classes)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        device = device_of(model)
        scores = model(batch.crops.to(device))
        return {"class": F.cross_entropy(scores, batch.classes.to(device))}

    def evaluate(self, model: nn.Module, data: Crops) -> dict[str, float]:
        """`recall`: the share of the crops of each class, and of background, that are classified
        right, on average; on validation pictures, or where these have no crops on training ones."""
        device = device_of(model)
        count = len(data.dataset.classes) + 1
        right, total = np.zeros(count), np.zeros(count)
        for places in data.validation or data.training:
            random = np.random.default_rng(places.row)
            batch = self._batch([self._crops(data, places, random, TESTED)], Augmentation())
            with evaluating(model):
                given = model(batch.crops.to(device)).argmax(1).cpu()
            hits = batch.classes[given == batch.classes]
            right += np.bincount(hits, minlength=count)
            total += np.bincount(batch.classes, minlength=count)
        return {"recall": float((right[total > 0] / total[total > 0]).mean())}

    def identity(self, data: Crops) -> dict[str, Any]:
        return {
            "task": "tuning of R-CNN",
            "data": data.dataset.fingerprint(),
            "split": data.dataset.split.tolist(),
            "network": self.extractor.header(),
        }

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        assert isinstance(model, CropClassifier)
        return list(model.top.parameters())


def times_shown(data: Dataset[Boxes]) -> int:
    """How often the training pictures are shown between two evaluations."""
    return max(1, round(SHOWN / max(1, int((data.split == TRAIN).sum()))))


def tune(
    extractor: RegionFeatures,
    data: Dataset[Boxes],
    training: Regions,
    validation: Regions,
    recipe: Recipe,
    ask: Ask,
    *,
    folder: Path | None = None,
) -> tuple[RegionFeatures, Run]:
    """The same features by a network that was fine-tuned on these regions.

    Args:
        folder: of the run of tuning alone.

    Raises:
        ValueError: if no region of a training picture can be learned from.
    """
    count = len(data.classes)
    crops = Crops(data, labeled(data, training, count), labeled(data, validation, count))
    if ask.weights is None:  # nothing is learned yet to keep
        recipe = recipe.but(freeze_statistics=False)
    with seeded(ask.seed):
        network = CropNetwork(extractor.name)
        network.load_state_dict(extractor.network.state_dict())
        network.requires_grad_(True)
        model = CropClassifier(network, count).to(fastest_device())
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = fit(
        model, Tuning(extractor, every=times_shown(data)), crops, recipe,
        folder=folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
    )  # fmt: skip
    tuned = RegionFeatures(
        extractor.name, network.cpu(), extractor.normalization, extractor.settings
    )
    return tuned.to(fastest_device()), run
