"""Learning from a point for each class (Bearman, Russakovsky, Ferrari & Fei-Fei 2016, What's the
point, arXiv:1506.02106).

Each training picture is known at a few pixels, and by which classes are in it at all. The loss is
the paper's: of the image (Equation 1), of the points (Equation 2) and of objectness (Equation 3).
It differs in three ways. Its points mark objects alone; ours may mark the background, too, and
those drawn from masks do. Its objectness is that of Alexe et al. (2012), which learned from boxes;
ours is learned from the points themselves (`points_spread`). And every point counts alike, where
the paper also weighs several annotators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment.augmentation import Draw
from striate.augment.labels import warped_labels
from striate.data import VOID
from striate.data.mask_files import POINTS as FILE
from striate.data.places import key_of
from striate.data.splits import TRAIN
from striate.data.targets import enumerated
from striate.errors import DataError
from striate.models import Normalization
from striate.tasks.contract import Ask
from striate.tasks.segmentation.pictures import Scaled, with_masks
from striate.tasks.segmentation.points_file import Point, points_of
from striate.tasks.segmentation.points_spread import MOST, objectness
from striate.tasks.segmentation.problem import Batch, SegmentationProblem
from striate.training import Recipe

RADIUS = 2  # pixels of the dot that a point becomes: one pixel would be lost between others
BACKGROUNDS = frozenset(("background", "bg", "ground", "other", "void"))


class PointProblem(SegmentationProblem):
    """Classes of pixels from points. Maps are void but for dots; nothing else of them is seen.

    Attributes:
        objects: (H, W) uint8 of pictures by row, how likely each pixel is an object, 0 to MOST;
            empty where no class is the background.
    """

    objects: Mapping[int, Tensor] = {}

    def labels(self, data: Scaled, row: int, draw: Draw) -> Tensor:
        """(1, 2, H, W): the dots, and the objectness, in the same view."""
        like = data.map(row)
        objects = self.objects.get(row, torch.full_like(like, VOID))
        return torch.stack([warped_labels(x[None], draw, VOID) for x in (like, objects)], 1)

    def counts(self, labels: Tensor) -> Tensor:
        """All images alike: each loss is a mean over something else."""
        return torch.ones(len(labels), dtype=torch.float64)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        scores = self.scores(model, batch)
        dots, objects = batch.labels.to(scores.device).unbind(1)
        losses = {
            **self.cross_entropy(scores, replace(batch, labels=dots), recipe),
            "absent": absent(scores, batch.present.to(scores.device)),
            "present": present(scores, dots),
        }
        if self.objects:
            losses["objectness"] = of_objects(scores, objects)
        return losses


def absent(scores: Tensor, present: Tensor) -> Tensor:
    """How surely classes are found somewhere that the picture does not show, -log(1 - p) of the
    surest pixel, mean over those classes (Equation 1, second term); 0 where there are none.

    Args:
        scores: (N, C, H, W) logits.
        present: (N, C) bool, which classes each picture shows.
    """
    missing = ~present
    if not missing.any():
        return scores.sum() * 0
    surest = scores.float().softmax(1).flatten(2).amax(2)  # (N, C)
    return -(1 - surest[missing]).clamp(min=1e-6).log().mean()


def present(scores: Tensor, dots: Tensor) -> Tensor:
    """How unsure the surest pixel of each class is that a window shows, -log p, mean over those
    classes (Equation 1, first term); 0 where there are none.

    A class is shown where one of its points is: a window may leave out the others.

    Args:
        scores: (N, C, H, W) logits.
        dots: (N, H, W) class numbers, VOID where nothing is known.
    """
    count = scores.shape[1]
    there = torch.stack([(dots == number).flatten(1).any(1) for number in range(count)], 1)
    if not there.any():
        return scores.sum() * 0
    surest = scores.float().log_softmax(1).flatten(2).amax(2)
    return -surest[there].mean()


def of_objects(scores: Tensor, objects: Tensor) -> Tensor:
    """The cross-entropy between how likely a pixel is an object and how surely it is found to be
    one of the classes but 0, mean over pixels (Equation 3); 0 where none is known.

    Args:
        scores: (N, C, H, W) logits.
        objects: (N, H, W) 0 to MOST, VOID where nothing is known.
    """
    known = objects != VOID
    if not known.any():
        return scores.sum() * 0
    logit = scores.float()[:, 1:].logsumexp(1) - scores.float()[:, 0]
    share = objects[known].float() / MOST
    return F.binary_cross_entropy_with_logits(logit[known], share)


def has_background(classes: Sequence[str]) -> bool:
    """Whether class 0 is what is no object."""
    return len(classes) == 2 or key_of(classes[0]) in BACKGROUNDS


def pointed(data: Scaled, seed: int, points: Mapping[int, Sequence[Point]] | None = None) -> Scaled:
    """The same pictures with training maps that are void but for dots.

    Args:
        points: of training pictures, those without being left out; where None, one a class is
            drawn from each mask.
    """
    maps = list(data.maps)
    rows = data.rows(TRAIN).tolist()
    if points is None:
        for row in rows:
            random = np.random.default_rng([seed, row])
            maps[row] = torch.from_numpy(dots(data.map(row).numpy(), random))
        return replace(data, dataset=with_masks(data.dataset), maps=tuple(maps))
    dataset = data.dataset
    targets, areas = dataset.targets, dataset.targets.areas.copy()
    for row in rows:
        height, width = data.map(row).shape
        full = targets.sizes[row]
        map = np.full((height, width), VOID, np.uint8)
        areas[row] = 0
        for point in points.get(row, ()):
            place = int(point.y * height / full[0]), int(point.x * width / full[1])
            map[disc(height, width, *place)] = point.number
            areas[row, point.number] += 1
        maps[row] = torch.from_numpy(map)
    bare = {row: f"has no point in {FILE}" for row in rows if not points.get(row)}
    counts = areas[rows, : len(dataset.classes)].sum(0)
    marked = [name for name, count in zip(dataset.classes, counts, strict=True) if count]
    dataset = replace(dataset, targets=replace(targets, areas=areas)).set_aside(bare)
    if len(bare) == len(rows):
        raise DataError(f"{dataset.name}: {FILE} has no point in a training picture")
    if len(marked) < 2:
        raise DataError(
            f"{dataset.name}: every point of {FILE} in a training picture is {marked[0]}; at least "
            "two classes are needed, such as background and object"
        )
    if len(marked) < len(dataset.classes):
        absent = [name for name in dataset.classes if name not in marked]
        dataset = dataset.noted(f"without a point, so never found: {enumerated(absent)}")
    return replace(data, dataset=dataset, maps=tuple(maps))


def dots(mask: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """A mask that is void but for a dot on a pixel of each class; a dot ends where its class does.

    >>> dots(np.array([[1, 1, 255]], np.uint8), np.random.default_rng(0)).tolist()
    [[1, 1, 255]]
    """
    found, (height, width) = np.full_like(mask, VOID), mask.shape
    for number in np.unique(mask[mask != VOID]).tolist():
        places = np.flatnonzero(mask.ravel() == number)
        row, column = divmod(int(random.choice(places)), width)
        found[disc(height, width, row, column) & (mask == number)] = number
    return found


def disc(height: int, width: int, row: int, column: int) -> NDArray[np.bool_]:
    """(height, width) the pixels of a dot."""
    rows, columns = np.ogrid[:height, :width]
    near: NDArray[np.bool_] = (rows - row) ** 2 + (columns - column) ** 2 <= RADIUS**2
    return near


def with_points(
    problem: PointProblem, data: Scaled, backbone: str, ask: Ask, normalization: Normalization
) -> tuple[Scaled, tuple[str, ...]]:
    """The data with points in place of masks, from the set's file or drawn, and what is to be told;
    the problem learns where objects are likely.

    Raises:
        DataError: as `points_of`.
    """
    points, note = points_of(data.dataset)
    data = pointed(data, ask.seed, points)
    notes = (note or "a point for each class, drawn from each training mask",)
    if not has_background(data.dataset.classes):
        return data, (*notes, "no term of objectness, because no class is the background")
    problem.objects, told = objectness(data, backbone, ask, normalization)
    return data, (*notes, told)
