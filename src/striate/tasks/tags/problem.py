"""Any number of classes an image: binary cross-entropy in, mean average precision out."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset
from striate.data.batches import Batch
from striate.evaluation import mean_average_precision
from striate.images import View
from striate.inference import Preprocessing
from striate.tasks.pictures.problem import PictureProblem, laid_out
from striate.training import Recipe


class TagProblem(PictureProblem):
    """Images (N, C, S, S), normalized, to logits (N, classes), each for itself."""

    score = "map"

    def targets(self, dataset: Dataset) -> NDArray[np.int64]:
        return dataset.targets.numbers.astype(np.int64)

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        """The mean over all marks that are known; of smoothing, half is given to either side."""
        model, images = laid_out(model, batch.images)
        return {"binary_cross_entropy": loss(model(images), batch.targets, recipe.label_smoothing)}

    def measured(self, outputs: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
        return metrics(outputs, targets)


def loss(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean binary cross-entropy of logits (N, classes) over the targets that are 1 or 0."""
    known = (targets >= 0).to(logits)
    wanted = (targets == 1).to(logits) * (1 - smoothing) + smoothing / 2
    total = F.binary_cross_entropy_with_logits(logits, wanted, weight=known, reduction="sum")
    return total / known.sum().clamp(min=1)


def metrics(logits: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
    """The mean average precision, which is left out where no input has any class, and the loss."""
    found = {"validation_loss": float(loss(logits, torch.from_numpy(targets)))}
    if (targets == 1).any():
        found["map"] = mean_average_precision(logits.numpy(), targets)
    return found


def problem(
    classes: tuple[str, ...], preprocessing: Preprocessing, learned_from: View
) -> TagProblem:
    """What a network learns from random weights."""
    return TagProblem(classes, preprocessing=preprocessing, learned_from=learned_from)
