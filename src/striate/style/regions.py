"""Regions of a photograph that have a painting each (Gatys et al. 2017, arXiv:1611.07865, Section
4.1)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import ImageError, UserError
from striate.images.values import read_values
from striate.style.pictures import Pixels


def regions_in(path: str | Path) -> NDArray[np.int64]:
    """A mask's regions (H, W), numbered by their gray or number in the file, the lowest as 0.

    Raises:
        ImageError: if it cannot be read.
    """
    try:
        values = read_values(path).pixels
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    grays = values if values.ndim == 2 else values.astype(np.int64) @ (65536, 256, 1)
    return np.unique(grays, return_inverse=True)[1].reshape(grays.shape)


def check_regions(regions: NDArray[np.integer], photo: Pixels, paintings: int) -> None:
    """Refuses a mask of another size, or of other numbers than there are paintings."""
    if regions.shape != photo.shape[:2]:
        raise UserError(
            f"the mask has {regions.shape[1]} x {regions.shape[0]} pixels, the photograph "
            f"{photo.shape[1]} x {photo.shape[0]}"
        )
    found = np.unique(regions).tolist()
    if found != list(range(paintings)):
        raise UserError(
            f"the mask parts the photograph into {len(found)}, and there are {paintings} "
            "paintings; it must have one gray for each, darkest first, and no smoothed edges"
        )


def shares_of(region: NDArray[np.bool_], size: Sequence[int]) -> Tensor:
    """What every place of a map of that size has of a region, in all 1."""
    covered = torch.from_numpy(region.astype(np.float32))[None]
    found = F.adaptive_avg_pool2d(covered, (size[0], size[1]))[0]
    return found / found.sum()
