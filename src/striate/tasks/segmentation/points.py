"""Learning from a point for each class (Bearman, Russakovsky, Ferrari & Fei-Fei 2016, What's the
point, arXiv:1506.02106).

Each training picture is known at one pixel for each class in it, and by which classes are in it at
all. The loss is the paper's Equations 1 and 2: cross-entropy at the points, and no place for what
the picture does not show. Masks name the background, so that no prior of objects is needed.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import VOID
from striate.data.splits import TRAIN
from striate.tasks.segmentation.pictures import Scaled
from striate.tasks.segmentation.problem import Batch, SegmentationProblem
from striate.training import Recipe

RADIUS = 2  # pixels of the dot that a point becomes: one pixel would be lost between others


class PointProblem(SegmentationProblem):
    """Classes of pixels from points. Maps are void but for dots; nothing else of them is seen."""

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        scores = self.scores(model, batch)
        return {
            **self.cross_entropy(scores, batch, recipe),
            "absent": absent(scores, batch.present.to(scores.device)),
        }


def absent(scores: Tensor, present: Tensor) -> Tensor:
    """How surely classes are found somewhere that the picture does not show, -log(1 - p) of the
    surest pixel, mean over those classes (Equation 1); 0 where there are none.

    Args:
        scores: (N, C, H, W) logits.
        present: (N, C) bool, which classes each picture shows.
    """
    missing = ~present
    if not missing.any():
        return scores.sum() * 0
    surest = scores.float().softmax(1).flatten(2).amax(2)  # (N, C)
    return -(1 - surest[missing]).clamp(min=1e-6).log().mean()


def pointed(data: Scaled, seed: int) -> Scaled:
    """The same pictures with training maps that are void but for a dot a class."""
    maps = list(data.maps)
    for row in data.rows(TRAIN).tolist():
        random = np.random.default_rng([seed, row])
        maps[row] = torch.from_numpy(dots(data.map(row).numpy(), random))
    return replace(data, maps=tuple(maps))


def dots(mask: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """A mask that is void but for a dot on a pixel of each class; a dot ends where its class does.

    >>> dots(np.array([[1, 1, 255]], np.uint8), np.random.default_rng(0)).tolist()
    [[1, 1, 255]]
    """
    found = np.full_like(mask, VOID)
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    for number in np.unique(mask[mask != VOID]).tolist():
        places = np.flatnonzero(mask.ravel() == number)
        row, column = divmod(int(random.choice(places)), mask.shape[1])
        near = (rows - row) ** 2 + (columns - column) ** 2 <= RADIUS**2
        found[near & (mask == number)] = number
    return found
