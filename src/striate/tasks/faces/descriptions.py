"""What is read from aligned faces before anything is learned: numbers, for each face as many."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.handcrafted.lbp import histograms
from striate.handcrafted.sift import dense_sift

GRAY = (0.299, 0.587, 0.114)  # ITU-R 601
INNER = 0.76  # of a face's side: from the brows to the chin


def seen(faces: Tensor, size: int, share: float = INNER) -> Tensor:
    """(N, 3, size, size) float, 0 to 255: the middle `share` of faces (N, S, S, 3) uint8."""
    side = faces.shape[1]
    edge = round(side * (1 - share) / 2)
    inner = faces[:, edge : side - edge, edge : side - edge].permute(0, 3, 1, 2).float()
    if inner.shape[2] == size:
        return inner
    return F.interpolate(inner, (size, size), mode="bilinear", antialias=True)


def gray(faces: Tensor, size: int, share: float = INNER) -> Tensor:
    """(N, 1, size, size) the same in gray."""
    weights = torch.tensor(GRAY, device=faces.device).reshape(1, 3, 1, 1)
    return (seen(faces, size, share) * weights).sum(1, keepdim=True)


def pixels(faces: Tensor) -> Tensor:
    """(N, 1024) gray pixels without their mean, of unit length: the floor of all methods."""
    flat = gray(faces, 32).flatten(1)
    return F.normalize(flat - flat.mean(1, keepdim=True))


def lbp(faces: Tensor) -> Tensor:
    """(N, 5782) histograms of local binary patterns, of two radii, in 7 x 7 cells."""
    found = [histograms(gray(faces, 7 * 14 + 2 * r), cell=14, radius=r) for r in (1, 2)]
    return torch.cat([each.flatten(1) for each in found], 1)


def sift(faces: Tensor) -> Tensor:
    """(N, D) RootSIFT at two scales, every 6 pixels of 96."""
    return dense_sift(gray(faces, 96), step=6, bin_size=(4, 6), root=True).descriptors.flatten(1)


DESCRIPTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "pixels": pixels,
    "lbp": lbp,
    "sift": sift,
}
"""By name, as files have it."""
