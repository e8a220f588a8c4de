"""Batches without end, in an order that depends on nothing but the seed and the epoch."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.ahead import ReadAhead

AHEAD = 2  # batches that the disk may read while one is learned from


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images with what they show.

    Attributes:
        images: (N, C, H, W) uint8, the channels innermost in memory: as they lie in a store, and
            as convolutions read them fastest.
        targets: (N,) int64 class numbers.
        indices: (N,) int64 rows of the arrays they were taken from.
    """

    images: Tensor
    targets: Tensor
    indices: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def weight(self) -> float:
        """The targets that are known: of several classes an image (N, C), -1 is one that is not."""
        return float((self.targets >= 0).sum())

    def parts(self, count: int) -> "Sequence[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        columns = (
            tensor.tensor_split(count) for tensor in (self.images, self.targets, self.indices)
        )
        return [Batch(*part) for part in zip(*columns, strict=True)]


class Pending:
    """Images of a batch that are computed when they are first asked for: who takes a part of them
    computes no other.

    Args:
        compute: the images (N, C, H, W) from one number up to another.
        device: where they are computed.
        rows: of which these are; all `count` where None.
    """

    def __init__(
        self, compute: Callable[[int, int], Tensor], count: int, device: torch.device,
        rows: tuple[int, int] | None = None,
    ):  # fmt: skip
        self.compute, self.count, self.device = compute, count, device
        self.rows = rows or (0, count)

    @classmethod
    def of(cls, images: Tensor) -> "Pending":
        """Images that are there already."""
        return cls(lambda low, high: images[low:high], len(images), images.device)

    def __len__(self) -> int:
        return self.rows[1] - self.rows[0]

    @cached_property
    def images(self) -> Tensor:
        """They themselves, in single precision whatever is computed around them."""
        kind = self.device.type
        known = torch.amp.is_autocast_available(kind)
        with torch.autocast(kind, enabled=False) if known else nullcontext():
            return self.compute(*self.rows)

    def tensor_split(self, count: int) -> "list[Pending]":
        """In `count` parts, as a tensor is split."""
        some = np.array_split(np.arange(*self.rows), count)
        ends = np.cumsum([self.rows[0], *map(len, some)]).tolist()
        return [Pending(self.compute, self.count, self.device, rows) for rows in pairwise(ends)]


class Views(Batch):
    """A batch whose images are pending."""

    def __init__(self, pending: Pending, targets: Tensor, indices: Tensor):
        vars(self).update(pending=pending, targets=targets, indices=indices)

    @cached_property
    def images(self) -> Tensor:
        """(N, C, H, W) as the network takes them."""
        pending: Pending = vars(self)["pending"]
        return pending.images

    def parts(self, count: int) -> "Sequence[Views]":
        """The batch in `count` parts as equal as can be, in order; nothing is computed."""
        columns = (vars(self)["pending"], self.targets, self.indices)
        each = (column.tensor_split(count) for column in columns)
        return [Views(*part) for part in zip(*each, strict=True)]


class Batches:
    """Endless batches, epoch after epoch; every epoch has each image once, in an order of its own.

    The order is a pure function of (seed, epoch): a run that goes on at step k with `start=k` sees
    the very batches it would have seen.

    Args:
        pixels: (N, H, W, C) uint8 (or what else is learned from); read a batch at a time, so it may
            lie in a mapped file larger than memory: the next batches are read ahead.
        targets: (N,) class numbers.
        rows: of both, those to take; all where None.
        size: most images of a batch. Those of an epoch are as equal as can be: a last batch of what
            is left would weigh its few images more, and batch normalization cannot learn from one.
        start: steps to pass over.
        weights: of those rows, how often each is shown, beside the others; an epoch has as many as
            there are, each as often as its share asks for, rounded up or down at random. Where
            None, each comes once.
    """

    def __init__(
        self,
        pixels: NDArray,
        targets: NDArray[np.int64],
        *,
        size: int,
        seed: int,
        rows: NDArray[np.int64] | None = None,
        start: int = 0,
        weights: NDArray[np.float64] | None = None,
    ):
        if len(pixels) != len(targets) or not len(targets):
            raise ValueError(f"{len(pixels)} images and {len(targets)} targets; expected as many")
        self.rows = np.arange(len(targets)) if rows is None else np.asarray(rows, dtype=np.int64)
        if not len(self.rows):
            raise ValueError("there must be one row or more, not none")
        if size < 1 or start < 0:
            raise ValueError(f"size must be 1 or more and start 0 or more, not {size} and {start}")
        self.pixels = np.asarray(pixels)
        self.targets = torch.from_numpy(np.asarray(targets, dtype=np.int64))
        self.size, self.seed, self.start = size, seed, start
        self.shares = None if weights is None else weights / weights.sum()

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.rows) // self.size)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch in their order."""
        random = np.random.default_rng((self.seed % 2**63, epoch))
        if self.shares is None:
            return random.permutation(self.rows)
        # Systematic sampling: one place drawn at random, the others in equal steps.
        order = random.permutation(len(self.rows))
        places = (np.arange(len(order)) + random.random()) / len(order)
        ends = np.cumsum(self.shares[order])
        drawn = np.searchsorted(ends / ends[-1], places, side="right")
        return random.permutation(self.rows[order[drawn]])

    def epoch(self, number: int) -> list[NDArray[np.int64]]:
        """The rows of each batch of an epoch."""
        return np.array_split(self.order(number), self.steps_per_epoch)

    def __iter__(self) -> Iterator[Batch]:
        ahead, waiting = ReadAhead(self.pixels), deque[NDArray[np.int64]]()
        for rows in self._plan():
            ahead.want(rows)
            waiting.append(rows)
            if len(waiting) > AHEAD:
                batch = self.batch(now := waiting.popleft())
                ahead.done(now)
                yield batch

    def _plan(self) -> Iterator[NDArray[np.int64]]:
        """The rows of every batch."""
        epoch, first = divmod(self.start, self.steps_per_epoch)
        while True:
            yield from self.epoch(epoch)[first:]
            epoch, first = epoch + 1, 0

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Those rows as one batch."""
        pixels = torch.from_numpy(self._gather(rows))  # (N, H, W, C)
        indices = torch.from_numpy(rows)
        return Batch(pixels.permute(0, 3, 1, 2), self.targets[indices], indices)

    def _gather(self, rows: NDArray[np.int64]) -> NDArray:
        if self.pixels.flags.c_contiguous:  # twice as fast; of others it would copy the whole
            return self.pixels.take(rows, axis=0)
        return self.pixels[rows]
