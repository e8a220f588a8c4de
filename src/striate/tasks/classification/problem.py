"""One class an image: cross-entropy in, top-1 and top-5 out."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import SPLITS, Dataset, Decoded
from striate.data.batches import Batch
from striate.evaluation import top_k
from striate.images import View
from striate.models import losses
from striate.tasks.pictures.problem import PictureProblem, laid_out, pixels_of
from striate.training import Recipe


class ClassificationProblem(PictureProblem):
    """Images (N, C, S, S), normalized, to logits (N, classes)."""

    score = "top1"

    def targets(self, dataset: Dataset) -> NDArray[np.int64]:
        numbers: NDArray[np.int64] = dataset.targets.single()
        return numbers

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        """The network's own losses, where its paper has some; else the cross-entropy."""
        model, images = laid_out(model, batch.images)
        return losses(model, images, batch.targets, label_smoothing=recipe.label_smoothing)

    def measured(self, outputs: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
        return metrics(outputs, targets)


def metrics(logits: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
    """Top-1, top-5 and the mean cross-entropy of logits (N, classes) for class numbers (N,)."""
    scores = logits.numpy()
    return {
        "top1": top_k(scores, targets),
        "top5": top_k(scores, targets, 5),
        "validation_loss": float(F.cross_entropy(logits, torch.from_numpy(targets))),
    }


def split(data: Decoded, view: View, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pixels (N, S, S, C) and targets (N,) of one split."""
    rows = np.flatnonzero(data.dataset.split == SPLITS.index(name))
    return pixels_of(data, view, name), data.dataset.targets.single()[rows]
