"""What the methods of this task have in common."""

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from striate.evaluation import top_k


def measured(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """Top-1 and the mean cross-entropy of logits (N, classes) for class numbers (N,)."""
    numbers = targets.numpy().astype(np.int64)
    return {
        "top1": top_k(logits.numpy(), numbers),
        "validation_loss": float(F.cross_entropy(logits, targets)),
    }
