"""Learning to detect: batches of warped pictures with boxes, named losses, average precision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment import Augmentation, Spread
from striate.augment.boxes import warped
from striate.data.boxes import BoxedDataset
from striate.data.dataset import TRAIN, VALIDATION
from striate.evaluation.detection import average_precisions, mean
from striate.models.matching import Detections, Targets
from striate.ops.boxes import clipped
from striate.tasks.detection.pictures import Scaled, Scaling, scale
from striate.training import Recipe, Task
from striate.training.modes import evaluating

# Views of photographs with boxes: upright, so that boxes stay tight.
VIEWS = Augmentation(
    Spread(mirror=0.5, zoom=0.15, stretch=0.05, shift=0.05),
    brightness=0.1,
    contrast=0.1,
    saturation=0.1,
)


@dataclass(frozen=True)
class Batch:
    """(N, 3, H, W) normalized images and what is in each."""

    images: Tensor
    targets: tuple[Targets, ...]


class Network(Protocol):
    """What a network owes that learns to detect by gradient steps."""

    backbone: nn.Module
    """The part that had weights before; it learns at the recipe's kept rate."""

    def losses(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Each named loss of a batch (N, 3, H, W), a scalar."""


class Detection(Task[Any, Batch]):
    """Boxes in pictures. Data is a `BoxedDataset`, or what `prepare` made of one.

    Args:
        scaling: how pictures come to the network.
        rounds: passes over the training images that are one epoch: validation is dear.
    """

    score = "map50"

    def __init__(self, scaling: Scaling, *, rounds: int = 1):
        self.scaling, self.rounds = scaling, rounds

    def prepare(self, data: BoxedDataset | Scaled) -> Scaled:
        return scale(data, self.scaling) if isinstance(data, BoxedDataset) else data

    def examples(self, data: Scaled) -> int:
        return len(data.rows(TRAIN)) * self.rounds

    def batches(self, data: Scaled, recipe: Recipe, *, seed: int, start: int) -> Iterator[Batch]:
        rows, size = data.rows(TRAIN), recipe.batch_size
        step = start
        while True:
            first = step * size
            chosen = [drawn(rows, seed, first + place) for place in range(size)]
            yield self.batch(data, chosen, recipe.augmentation, [seed, step])
            step += 1

    def batch(
        self, data: Scaled, rows: list[int], augmentation: Augmentation, seed: list[int]
    ) -> Batch:
        """One view of each of these images, with the boxes in it."""
        generator = torch.Generator().manual_seed(int(np.random.default_rng(seed).integers(2**62)))
        pictures, targets = [], []
        for row in rows:
            picture = data.pictures[row]
            assert picture is not None  # only images of a split are learned from
            source = (picture.shape[1], picture.shape[2])
            marked, boxes = data.dataset.objects[row], data.boxes[row]
            draw = augmentation.drawn(1, source, generator)
            pixels = draw(picture.permute(1, 2, 0)[None].permute(0, 3, 1, 2))[0].clamp(0, 255)
            classes = torch.from_numpy(marked.classes)
            asked = torch.from_numpy(marked.asked)
            if draw.matrices is not None:
                boxes, left = warped(boxes, draw.matrices[0], source, draw.size)
                classes, asked = classes[left], asked[left]
            pictures.append(pixels)
            targets.append(Targets(boxes[asked], classes[asked], boxes[~asked]))
        return Batch(self.scaling.canvas(pictures), tuple(targets))

    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        device = next(model.parameters()).device
        targets = [
            Targets(each.boxes.to(device), each.classes.to(device), each.ignored.to(device))
            for each in batch.targets
        ]
        return cast(Network, model).losses(batch.images.to(device), targets)

    def evaluate(self, model: nn.Module, data: Scaled) -> dict[str, float]:
        return self.measure(model, data, VALIDATION)

    def measure(self, model: nn.Module, data: Scaled, split: int) -> dict[str, float]:
        """`map50` over the classes, and the average precision of each at an overlap of 0.5."""
        rows = data.rows(split).tolist()
        found = [self.detect(model, data, row) for row in rows]
        truth = [data.dataset.objects[row] for row in rows]
        each = average_precisions(found, truth, len(data.dataset.classes))
        named = zip(data.dataset.classes, each.tolist(), strict=True)
        return {"map50": mean(each), **{f"ap50 {name}": ap for name, ap in named}}

    def detect(self, model: nn.Module, data: Scaled, row: int) -> Detections:
        """What is found in one image of the set, in pixels of the image itself."""
        picture = data.pictures[row]
        assert picture is not None
        height, width = data.dataset.sizes[row].tolist()
        return detect(model, self.scaling, [picture], [(height, width)])[0]

    def identity(self, data: Scaled) -> dict[str, Any]:
        return {
            "task": "detection",
            "data": data.dataset.fingerprint(),
            "split": data.dataset.split.tolist(),
            "side": self.scaling.side,
            "rounds": self.rounds,
        }

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        old = {id(parameter) for parameter in cast(Network, model).backbone.parameters()}
        return [parameter for parameter in model.parameters() if id(parameter) not in old]


def drawn(rows: NDArray[np.int64], seed: int, number: int) -> int:
    """The image that comes as `number`-th: every pass over all of them has its own order."""
    turn, place = divmod(number, len(rows))
    return int(np.random.default_rng([seed, turn]).permutation(rows)[place])


def detect(
    model: nn.Module, scaling: Scaling, pictures: list[Tensor], sizes: list[tuple[int, int]]
) -> list[Detections]:
    """What is in scaled pictures (3, H, W) uint8, in pixels of the pictures of (height, width)
    that they were made of; on the CPU, wherever the model is."""
    device = next(model.parameters()).device
    with evaluating(model):
        found = model(scaling.canvas(pictures).to(device))
    results = []
    for one, picture, (height, width) in zip(found, pictures, sizes, strict=True):
        boxes, classes, scores = (each.cpu() for each in (one.boxes, one.classes, one.scores))
        inside = clipped(boxes, (picture.shape[1], picture.shape[2]))
        factors = inside.new_tensor([width / picture.shape[2], height / picture.shape[1]] * 2)
        some = (inside[:, 2:] - inside[:, :2]).amin(1) > 0  # beyond the picture is nothing
        results.append(Detections((inside * factors)[some], classes[some], scores[some]))
    return results
