"""From local descriptors to one vector an image: soft coding, spatial pyramid, normalization.

Coding is localized soft assignment (Liu, Wang & Liu 2011, "In defense of soft-assignment coding"),
of which one neighbor is hard assignment; pooling is over the cells of a spatial pyramid (Lazebnik,
Schmid & Ponce 2006), by sum or by maximum.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.handcrafted.kernels import additive_chi2_map

MAPPINGS = ("linear", "hellinger", "chi2")


def soft_codes(
    descriptors: Tensor, dictionary: Tensor, *, neighbors: int, sharpness: float
) -> tuple[Tensor, Tensor]:
    """Which words a descriptor is, and how much: indices and weights, both (..., neighbors).

    Args:
        descriptors: (..., D).
        dictionary: (K, D).
        neighbors: how many of the nearest words share it; the weights of a descriptor sum to 1.
        sharpness: the weight falls as exp(-sharpness · squared distance).
    """
    points = descriptors.reshape(-1, descriptors.shape[-1])
    # |x - c|² less |x|², which all words share: their order and their softmax stay the same
    distances = torch.addmm((dictionary**2).sum(1), points, dictionary.T, alpha=-2)
    nearest, words = distances.topk(neighbors, dim=1, largest=False, sorted=False)
    weights = torch.softmax(-sharpness * nearest, 1)
    shape = (*descriptors.shape[:-1], neighbors)
    return words.reshape(shape), weights.reshape(shape)


def pyramid_cells(positions: Tensor, levels: Sequence[tuple[int, int]]) -> tuple[Tensor, int]:
    """The cell of each position (P, 2) at every level, (levels, P), and the number of all cells.

    A level is (rows, columns); cells are counted through all levels, row by row.
    """
    x, y = positions.unbind(1)
    cells, before = [], 0
    for rows, columns in levels:
        row = (y * rows).long().clamp(0, rows - 1)
        column = (x * columns).long().clamp(0, columns - 1)
        cells.append(before + row * columns + column)
        before += rows * columns
    return torch.stack(cells), before


def pool(
    words: Tensor, weights: Tensor, cells: Tensor, *, number: int, vocabulary: int, pooling: str
) -> Tensor:
    """What each cell holds of each word, (N, number · vocabulary), from codes (N, P, neighbors).

    Args:
        cells: (levels, P) as `pyramid_cells` gives them.
        number: of cells in all levels.
        vocabulary: how many words there are.
        pooling: "sum" or "max".
    """
    images, size = len(words), number * vocabulary
    offsets = torch.arange(images, device=words.device).reshape(-1, 1, 1) * size
    pooled = weights.new_zeros(images * size)
    for level in cells:
        places = (words + (offsets + level[:, None] * vocabulary)).flatten()
        if pooling == "max":
            pooled.scatter_reduce_(0, places, weights.flatten(), "amax")
        else:
            pooled.index_add_(0, places, weights.flatten())
    return pooled.reshape(images, size)


def mapped(pooled: Tensor, mapping: str) -> Tensor:
    """Unit vectors (N, D or 3 D) whose dot product is the kernel: linear, Hellinger's or chi2."""
    if mapping == "linear":
        return F.normalize(pooled)
    if mapping == "hellinger":
        return F.normalize(pooled.sqrt())
    return F.normalize(additive_chi2_map(F.normalize(pooled, p=1.0)))
