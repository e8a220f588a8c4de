"""Learning to segment: windows of warped pictures with their masks, cross-entropy, mean overlap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment import Augmentation
from striate.augment.augmentation import Draw
from striate.augment.labels import warped_labels, windowed
from striate.data import VOID, Dataset, Masks
from striate.data.batches import Pending
from striate.data.splits import TRAIN, VALIDATION
from striate.evaluation.segmentation import confusion, summary
from striate.inference import device_of
from striate.ops.memory import learning_layout
from striate.progress import track
from striate.tasks.segmentation.pictures import Scaled, scale
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import logits
from striate.training import Problem, Recipe
from striate.training.problem import CPU
from striate.training.seeds import generator_for


@dataclass(frozen=True)
class Batch:
    """(N, 3, H, W) normalized images, their class numbers (N, H, W) int64, which classes their
    whole pictures show, (N, classes) bool, and what the known pixels of each count, (N,)."""

    pending: Pending
    labels: Tensor
    present: Tensor
    counts: Tensor

    @property
    def images(self) -> Tensor:
        """They are computed when they are first asked for."""
        return self.pending.images

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def weight(self) -> float:
        """What all known pixels count."""
        return float(self.counts.sum())

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        columns = (self.pending, self.labels, self.present, self.counts)
        each = (x.tensor_split(count) for x in columns)
        return [Batch(*some) for some in zip(*each, strict=True) if len(some[0])]


class SegmentationProblem(Problem[Any, Batch]):
    """Classes of pixels. Data is a `Dataset[Masks]`, or what `prepare` made of one.

    Args:
        reading: how pictures come to the network.
        window: the side of what a step shows of a picture, in pixels; smaller pictures are shown
            whole.
        rounds: passes over the training images that are one epoch: validation takes long.
        weights: (classes,) what a pixel of each class counts; None: all the same.
    """

    score = "miou"

    def __init__(
        self, reading: Reading, window: int, *, rounds: int = 1, weights: Tensor | None = None
    ):
        self.reading, self.window, self.rounds, self.weights = reading, window, rounds, weights

    def prepare(self, data: Dataset[Masks] | Scaled) -> Scaled:
        return data if isinstance(data, Scaled) else scale(data, self.reading)

    def examples(self, data: Scaled) -> int:
        return len(data.rows(TRAIN)) * self.rounds

    def batches(
        self, data: Scaled, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        rows, count = data.rows(TRAIN), recipe.batch_size
        size = self.size(data)
        step = start
        while True:
            chosen = [drawn(rows, seed, step * count + place) for place in range(count)]
            yield self.batch(data, chosen, size, recipe.augmentation, generator_for(seed, step))
            step += 1

    def size(self, data: Scaled) -> tuple[int, int]:
        """Height and width of the windows: no larger than half of the pictures are."""
        sizes = np.array([data.picture(row).shape[:2] for row in data.rows(TRAIN).tolist()])
        height, width = np.median(sizes, 0).astype(int).tolist()
        return min(self.window, height), min(self.window, width)

    def batch(
        self,
        data: Scaled,
        rows: Sequence[int],
        size: tuple[int, int],
        augmentation: Augmentation,
        generator: torch.Generator,
    ) -> Batch:
        """A window in one view of each of these images, picture and mask moved by one warp."""
        draws, labels = [], []
        for row in rows:
            picture = data.picture(row)
            source = (picture.shape[0], picture.shape[1])
            draw = augmentation.drawn(1, source, generator)
            draw = windowed(draw, source, size, torch.rand(1, 2, generator=generator))
            draws.append(draw)
            labels.append(self.labels(data, row, draw))
        present = torch.from_numpy(data.dataset.targets.present[list(rows)])
        known = torch.cat(labels).long()

        def views(low: int, high: int) -> Tensor:
            some = [
                draw(data.picture(row)[None].permute(0, 3, 1, 2)).clamp(0, 255)
                for row, draw in zip(rows[low:high], draws[low:high], strict=True)
            ]
            return torch.cat([self.reading.normalization(each) for each in some])

        return Batch(Pending(views, len(rows), CPU), known, present, self.counts(known))

    def counts(self, labels: Tensor) -> Tensor:
        """(N,) what the known pixels of each image (N, H, W) count."""
        known = labels != VOID
        if self.weights is None:
            return known.sum((1, 2)).double()
        return (self.weights.double()[labels.where(known, 0)] * known).sum((1, 2))

    def labels(self, data: Scaled, row: int, draw: Draw) -> Tensor:
        """(1, H, W) uint8, what is known of a picture in the view that `draw` makes of it."""
        return warped_labels(data.map(row)[None], draw, VOID)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        return self.cross_entropy(self.scores(model, batch), batch, recipe)

    def scores(self, model: nn.Module, batch: Batch) -> Tensor:
        """(N, classes, H, W) logits of a batch."""
        layout = learning_layout(model)
        scores: Tensor = model(batch.images.to(device_of(model), memory_format=layout))
        return scores

    def cross_entropy(self, scores: Tensor, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        """Over all pixels that are not void, those of rare classes counting for more."""
        labels = batch.labels.to(scores.device)
        weights = None if self.weights is None else self.weights.to(scores.device)
        total = F.cross_entropy(
            scores.float(), labels, weights, ignore_index=VOID, reduction="sum",
            label_smoothing=recipe.label_smoothing,
        )  # fmt: skip
        known = labels != VOID
        count = known.sum() if weights is None else weights[labels[known]].sum()
        return {"cross_entropy": total / count.clamp(min=1)}  # a batch may be void all over

    def evaluate(self, model: nn.Module, data: Scaled) -> dict[str, float]:
        rows = data.rows(VALIDATION).tolist()
        count = len(data.dataset.classes)
        total = np.zeros((count, count + 1), np.int64)
        for row in track(rows, "validate"):
            found = logits(model, self.reading, data.picture(row)).argmax(0)
            labels = found.to(torch.uint8).cpu().numpy()
            total += confusion(data.map(row).numpy(), labels, count, VOID)
        return summary(total)

    def identity(self, data: Scaled) -> dict[str, Any]:
        return {
            "task": "segmentation",
            "data": data.dataset.fingerprint(),
            "split": data.dataset.split.tolist(),
            "side": self.reading.side,
            "evened": self.reading.evened,
            "window": self.window,
            "rounds": self.rounds,
            "weights": None if self.weights is None else self.weights.tolist(),
        }

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        backbone = getattr(model, "backbone", None)
        old = set() if backbone is None else {id(each) for each in backbone.parameters()}
        return [each for each in model.parameters() if id(each) not in old and each.requires_grad]


def balanced(dataset: Dataset[Masks], power: float | None = None) -> Tensor:
    """(classes,) weights that let rare classes count more: the median share over each class's own,
    to a power; 1 is median-frequency balancing (Eigen & Fergus 2015), 0 counts pixels alike.

    Args:
        power: None: a half, but 0 for two classes, where the smaller one would only grow too large.
    """
    if power is None:
        power = 0.5 if len(dataset.classes) > 2 else 0.0
    areas = dataset.targets.areas[dataset.split == TRAIN, :-1].sum(0).astype(np.float64)
    shares = areas / max(1.0, areas.sum())
    median = np.median(shares[shares > 0])
    weights = np.where(shares > 0, (median / np.maximum(shares, 1e-12)) ** power, 1.0)
    return torch.from_numpy((weights / (weights * shares).sum()).astype(np.float32))


def drawn(rows: NDArray[np.int64], seed: int, number: int) -> int:
    """The image that comes as `number`-th: every pass over all of them has its own order."""
    turn, place = divmod(number, len(rows))
    return int(np.random.default_rng([seed, turn]).permutation(rows)[place])
