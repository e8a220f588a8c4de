"""The permutohedral lattice (Adams, Baek & Davis 2010): Gaussian sums over points in a few
dimensions, in time that grows with the number of points alone.

Each point gives its values to the corners of the simplex it lies in (splat), the corners are
blurred along the lattice's d + 1 directions, and each point reads from its corners (slice). Splat
and slice are weighted bags of rows; the blur is d + 1 gathers.
"""

import math
from copy import copy
from typing import NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor


class Simplices(NamedTuple):
    """The simplex around each of N points, coordinates first.

    Attributes:
        near: (d + 1, N) whole numbers, the corner of remainder 0; coordinates sum to 0.
        ranks: (d + 1, N) of what is left of each coordinate, 0 for the largest.
        weights: (d + 1, N) barycentric coordinates, of the corner of remainder 0 first.
    """

    near: NDArray[np.int64]
    ranks: NDArray[np.int64]
    weights: NDArray[np.float64]

    def corners(self) -> NDArray[np.int64]:
        """(d + 1, d + 1, N): the coordinates of the corner of each remainder."""
        last = len(self.near) - 1
        remainders = np.arange(last + 1)[:, None, None]
        wrapped = self.ranks > last - remainders
        return self.near + remainders - (last + 1) * wrapped


class Lattice:
    """The lattice of N points (N, d), in units of the Gaussian's standard deviation.

    Raises:
        ValueError: if they lie too far from each other to be numbered.
    """

    def __init__(self, points: NDArray[np.floating]):
        from scipy import sparse  # here, for every command imports this module

        count, dims = points.shape
        found = simplices(points)
        margin = 2 * (dims + 1)
        low = found.near[:dims].min(1) - margin
        spans = (found.near[:dims].max(1) + margin - low).tolist()
        if math.prod(spans) >= 2**63:
            raise ValueError("points lie too far from each other for their standard deviation")
        steps = np.cumprod([1, *spans[:-1]]).astype(np.int64)
        keys = numbered(found, low, steps)
        self.vertices, place = distinct(keys)
        # Bags: of each point its corners, and of each corner the points around it.
        rows = np.arange(0, count * (dims + 1) + 1, dims + 1)
        weights = np.ascontiguousarray(found.weights.T, np.float32)
        bags = sparse.csr_matrix(
            (weights.ravel(), place.T.ravel(), rows), shape=(count, len(self.vertices))
        ).tocsc()
        self.corners, self.weights = torch.from_numpy(place.T.copy()), torch.from_numpy(weights)
        self.members, self.shares = (torch.from_numpy(each) for each in (bags.indices, bags.data))
        self.starts = torch.from_numpy(bags.indptr[:-1].copy())
        whole = int(steps.sum())
        moves = [whole - (dims + 1) * int(step) for step in steps] + [whole]
        self.neighbors = [(self._at(move), self._at(-move)) for move in moves]

    def weighed(self, factors: Tensor) -> Self:
        """The same sums of values times these (N,), and times these again."""
        made = copy(self)
        made.weights = self.weights * factors[:, None]
        made.shares = self.shares * factors[self.members]
        return made

    def _at(self, move: int) -> Tensor:
        """The neighbor of each vertex; one more than the last where there is none."""
        wanted = self.vertices + move
        place = np.searchsorted(self.vertices, wanted).clip(max=len(self.vertices) - 1)
        known = self.vertices[place] == wanted
        return torch.from_numpy(np.where(known, place, len(self.vertices)))

    def filtered(self, values: Tensor) -> Tensor:
        """Sums (N, C) of float32 values (N, C) over all points, weighed by a Gaussian of their
        distance, up to a factor that is the same everywhere."""
        x = torch.zeros(len(self.vertices) + 1, values.shape[1])  # the last row stays zero
        x[:-1] = F.embedding_bag(
            self.members, values, self.starts, mode="sum", per_sample_weights=self.shares
        )
        for first, second in self.neighbors:
            around = x.index_select(0, first).add_(x.index_select(0, second))
            x[:-1].add_(around, alpha=0.5)
        return F.embedding_bag(self.corners, x, mode="sum", per_sample_weights=self.weights)


def simplices(points: NDArray[np.floating]) -> Simplices:
    """Of points (N, d), as Adams et al. have it in Sections 3.1 and 3.2."""
    lifted = embedded(points)
    sides = len(lifted)
    near = np.rint(lifted / sides).astype(np.int64) * sides
    rest = lifted - near
    ranks = np.empty_like(near)
    ranks[:] = near.sum(0) // sides
    for first in range(sides):
        for second in range(first + 1, sides):
            behind = rest[first] < rest[second]
            ranks[first] += behind
            ranks[second] += ~behind
    turns = sides * ((ranks < 0).astype(np.int64) - (ranks >= sides))
    near += turns
    ranks += turns
    rest = (rest - turns) / sides
    ordered = np.empty_like(rest)
    np.put_along_axis(ordered, ranks, rest, 0)  # the largest first
    weights = np.empty_like(rest)
    weights[1:] = (ordered[:-1] - ordered[1:])[::-1]
    weights[0] = 1 + ordered[-1] - ordered[0]
    return Simplices(near, ranks, weights)


def embedded(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(d + 1, N): points (N, d) in the plane whose coordinates sum to 0, scaled so that splat, blur
    and slice together have their standard deviation: 2/3 (d + 1)^2 is the variance of the three."""
    count, dims = points.shape
    order = np.arange(1, dims + 1)[:, None]
    scaled = points.T * (math.sqrt(2 / 3) * (dims + 1) / np.sqrt(order * (order + 1)))
    lifted = np.zeros((dims + 1, count))
    lifted[:-1] = np.cumsum(scaled[::-1], 0)[::-1]
    lifted[1:] -= scaled * order
    return lifted


def numbered(
    found: Simplices, low: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(d + 1, N) a number for each corner, the same for the same place: from one remainder to the
    next, all coordinates grow by 1 and one of them wraps."""
    dims = len(steps)
    wraps = np.empty_like(found.ranks)
    all_steps = np.append(steps, 0)[:, None]  # the last coordinate follows from the others
    np.put_along_axis(wraps, found.ranks, np.broadcast_to(all_steps, wraps.shape), 0)
    keys = np.empty_like(found.near)
    keys[0] = steps @ (found.near[:dims] - low[:, None])
    whole = int(steps.sum())
    for remainder in range(1, dims + 1):
        keys[remainder] = keys[remainder - 1] + whole - (dims + 1) * wraps[dims + 1 - remainder]
    return keys


def distinct(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different numbers among these (K, N), sorted, and the place of each among them, (K, N).

    Neighboring points mostly share their corners: only where a number is another than the one
    before it is it looked for.
    """
    flat = keys.ravel()
    fresh = np.ones(len(flat), bool)
    fresh[1:] = flat[1:] != flat[:-1]
    values, place = np.unique(flat[fresh], return_inverse=True)
    return values, place[np.cumsum(fresh) - 1].reshape(keys.shape)
