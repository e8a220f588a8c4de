"""A linear machine on features of pixels."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data import VOID
from striate.progress import track
from striate.tasks.segmentation.pictures import Scaled
from striate.tasks.segmentation.reading import Reading

PIXELS = 24_000  # that are learned from
ROUNDS = 60

Features = Callable[[Tensor, Tensor], Tensor]
"""(n, D) of some pixels (n, 2) of an image (1, 3, H, W)."""


def at(maps: Tensor, places: Tensor) -> Tensor:
    """(n, C) of maps (1, C, H, W) at pixels (n, 2)."""
    return maps[0, :, places[:, 0], places[:, 1]].T


def sampled(
    data: Scaled, reading: Reading, split: int, features: Features, seed: int, count: int = PIXELS
) -> tuple[Tensor, Tensor]:
    """Features (n, D) and classes (n,) of pixels drawn from all pictures of a split alike."""
    rows = data.rows(split).tolist()
    random = np.random.default_rng([seed, split])
    each, found, labels = max(1, count // len(rows)), [], []
    for row in track(rows, "features"):
        mask = data.map(row).numpy()
        known = np.flatnonzero(mask.ravel() != VOID)
        if not len(known):
            continue
        chosen = random.choice(known, min(each, len(known)), replace=False)
        places = torch.from_numpy(np.stack(np.unravel_index(chosen, mask.shape), 1))
        images = reading.normalization(data.picture(row).permute(2, 0, 1)[None])
        found.append(features(images, places).float())
        labels.append(torch.from_numpy(mask.ravel()[chosen]).long())
    return torch.cat(found), torch.cat(labels)


def regression(
    features: Tensor, labels: Tensor, weights: Tensor, strength: float
) -> tuple[Tensor, Tensor]:
    """By limited-memory BFGS, from zero."""
    weight = torch.zeros(len(weights), features.shape[1], requires_grad=True)
    bias = torch.zeros(len(weights), requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=ROUNDS, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(features @ weight.T + bias, labels, weights)
        value = value + strength * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weight.detach(), bias.detach()
