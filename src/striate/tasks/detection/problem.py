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
from striate.data import Dataset
from striate.data.batches import Pending
from striate.data.boxes import Boxes
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import device_of
from striate.models.matching import Detections, Targets
from striate.tasks.detection.networks import detect
from striate.tasks.detection.pictures import Scaled, scale
from striate.tasks.detection.scaling import Scaling
from striate.tasks.detection.scores import validation_metrics
from striate.training import Problem, Recipe
from striate.training.problem import CPU
from striate.training.seeds import generator_for, seed_of

# Views of photographs with boxes: upright, so that boxes stay tight.
VIEWS = Augmentation(
    Spread(mirror=0.5, zoom=0.15, stretch=0.05, shift=0.05),
    brightness=0.1,
    contrast=0.1,
    saturation=0.1,
)


@dataclass(frozen=True)
class Batch:
    """(N, 3, H, W) normalized images and the objects in each."""

    pending: Pending
    targets: tuple[Targets, ...]

    @property
    def images(self) -> Tensor:
        """They are computed when they are first asked for."""
        return self.pending.images

    def __len__(self) -> int:
        return len(self.targets)

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        numbers = np.array_split(np.arange(len(self)), count)
        return [
            Batch(pending, self.targets[some[0] : some[-1] + 1])
            for pending, some in zip(self.pending.tensor_split(count), numbers, strict=True)
        ]


class Network(Protocol):
    """What a network owes that learns to detect by gradient steps."""

    backbone: nn.Module
    """The part that had weights before; it learns at the recipe's kept rate."""

    def losses(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Each named loss of a batch (N, 3, H, W), a scalar."""


class DetectionProblem(Problem[Any, Batch]):
    """Boxes in pictures. Data is a `Dataset[Boxes]`, or what `prepare` made of one.

    Args:
        scaling: how pictures come to the network.
        every: epochs from one evaluation to the next: validation takes long.
    """

    score = "map50"

    def __init__(self, scaling: Scaling, *, every: int = 1):
        self.scaling, self.every = scaling, every

    def prepare(self, data: Dataset[Boxes] | Scaled) -> Scaled:
        return data if isinstance(data, Scaled) else scale(data, self.scaling)

    def examples(self, data: Scaled) -> int:
        return len(data.rows(TRAIN))

    def batches(
        self, data: Scaled, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        rows, size = data.rows(TRAIN), recipe.batch_size
        step = start
        while True:
            first = step * size
            chosen = [drawn(rows, seed, first + place) for place in range(size)]
            yield self.batch(data, chosen, recipe.augmentation, generator_for(seed, step))
            step += 1

    def batch(
        self,
        data: Scaled,
        rows: Sequence[int],
        augmentation: Augmentation,
        generator: torch.Generator,
    ) -> Batch:
        """One view of each of these images, with the boxes in it."""
        draws, targets = [], []
        for row in rows:
            picture = self.picture(data, row)
            source = (picture.shape[2], picture.shape[3])
            marked, boxes = data.dataset.targets.objects[row], data.boxes[row]
            draw = augmentation.drawn(1, source, generator)
            classes = torch.from_numpy(marked.classes)
            asked = torch.from_numpy(marked.asked)
            if draw.matrices is not None:
                boxes, left = warped(boxes, draw.matrices[0], source, draw.size)
                classes, asked = classes[left], asked[left]
            draws.append(draw)
            targets.append(Targets(boxes[asked], classes[asked], boxes[~asked], draw.size))
        largest = np.array([draw.size for draw in draws]).max(0)

        def views(low: int, high: int) -> Tensor:
            some = [
                draw(self.picture(data, row))[0].clamp(0, 255)
                for row, draw in zip(rows[low:high], draws[low:high], strict=True)
            ]
            return self.scaling.canvas(some, sides=largest)

        return Batch(Pending(views, len(rows), CPU), tuple(targets))

    @staticmethod
    def picture(data: Scaled, row: int) -> Tensor:
        """(1, 3, H, W) of an image that is learned from, its channels innermost in memory."""
        picture = data.pictures[row]
        assert picture is not None  # only images of a split are learned from
        return picture.permute(1, 2, 0)[None].permute(0, 3, 1, 2)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        device = device_of(model)
        targets = [each.to(device) for each in batch.targets]
        return cast(Network, model).losses(batch.images.to(device), targets)

    def evaluate(self, model: nn.Module, data: Scaled) -> dict[str, float]:
        return self.measure(model, data, VALIDATION)

    def measure(self, model: nn.Module, data: Scaled, split: int) -> dict[str, float]:
        """`validation_metrics` of a split."""
        rows = data.rows(split).tolist()
        found = [self.detect(model, data, row) for row in rows]
        truth = [data.dataset.targets.objects[row] for row in rows]
        return validation_metrics(found, truth, data.dataset.classes)

    def detect(self, model: nn.Module, data: Scaled, row: int) -> Detections:
        """The detections in one image of the set, in pixels of the image itself."""
        picture = data.pictures[row]
        assert picture is not None
        height, width = data.dataset.targets.sizes[row].tolist()
        return detect(model, self.scaling, [picture], [(height, width)])[0]

    def identity(self, data: Scaled) -> dict[str, Any]:
        return {
            "task": "detection",
            "data": data.dataset.fingerprint(),
            "split": data.dataset.split.tolist(),
            "side": self.scaling.side,
            "every": self.every,
        }

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        old = {id(parameter) for parameter in cast(Network, model).backbone.parameters()}
        return [parameter for parameter in model.parameters() if id(parameter) not in old]


def drawn(rows: NDArray[np.int64], seed: int, number: int) -> int:
    """The image that comes as `number`-th: every pass over all of them has its own order."""
    turn, place = divmod(number, len(rows))
    return int(np.random.default_rng(seed_of(seed, turn)).permutation(rows)[place])
