"""Batches without end, in an order that depends on nothing but the seed and the epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images with what they show.

    Attributes:
        images: (N, C, H, W) uint8.
        targets: (N,) int64 class numbers.
        indices: (N,) int64 rows of the arrays they were taken from.
    """

    images: Tensor
    targets: Tensor
    indices: Tensor


class Batches:
    """Endless batches, epoch after epoch; every epoch has each image once, in an order of its own.

    The order is a pure function of (seed, epoch): a run that goes on at step k with `start=k` sees
    the very batches it would have seen.

    Args:
        pixels: (N, H, W, C) uint8; read a batch at a time, so it may lie in a mapped file.
        targets: (N,) class numbers.
        size: images of a batch; the last of an epoch has what is left.
        drop_last: leaves the rest of an epoch out, where there is a whole batch before it.
        start: steps to pass over.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        targets: NDArray[np.int64],
        *,
        size: int,
        seed: int,
        drop_last: bool = False,
        start: int = 0,
    ):
        if len(pixels) != len(targets) or not len(targets):
            raise ValueError(f"{len(pixels)} images and {len(targets)} targets; expected as many")
        if size < 1 or start < 0:
            raise ValueError(f"size must be 1 or more and start 0 or more, not {size} and {start}")
        self.pixels = np.asarray(pixels)
        self.targets = torch.from_numpy(np.asarray(targets, dtype=np.int64))
        self.size, self.seed, self.drop_last, self.start = size, seed, drop_last, start

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch: at least one."""
        whole, rest = divmod(len(self.targets), self.size)
        return max(1, whole + (rest > 0 and not self.drop_last))

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch in their order."""
        return np.random.default_rng((self.seed % 2**63, epoch)).permutation(len(self.targets))

    def __iter__(self) -> Iterator[Batch]:
        epoch, first = divmod(self.start, self.steps_per_epoch)
        while True:
            order = self.order(epoch)
            for step in range(first, self.steps_per_epoch):
                yield self.batch(order[step * self.size : (step + 1) * self.size])
            epoch, first = epoch + 1, 0

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Those rows as one batch."""
        pixels = torch.from_numpy(self.pixels[rows])  # (N, H, W, C)
        indices = torch.from_numpy(rows)
        images = pixels.permute(0, 3, 1, 2).contiguous()  # (N, C, H, W)
        return Batch(images, self.targets[indices], indices)
