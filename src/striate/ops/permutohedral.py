"""The permutohedral lattice (Adams, Baek & Davis 2010): Gaussian sums over points in a few
dimensions, in time that grows with the number of points alone.

Each point gives its values to the corners of the simplex it lies in (splat), the corners are
blurred along the lattice's d + 1 directions, and each point reads from its corners (slice). Splat
and slice are one sparse matrix and its transpose; the blur is d + 1 gathers.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Values = NDArray[np.float32]


class Lattice:
    """The lattice of N points (N, d), in units of the Gaussian's standard deviation."""

    def __init__(self, points: NDArray[np.floating]):
        from scipy import sparse  # here, for every command imports this module

        count, dims = points.shape
        corners, weights = simplices(points)
        low = corners.min((0, 1)) - dims - 1
        spans = corners.max((0, 1)) + dims + 2 - low
        if math.prod(int(span) for span in spans) >= 2**63:
            raise ValueError("points lie too far from each other for their standard deviation")
        steps = np.cumprod([1, *spans[:-1].tolist()]).astype(np.int64)
        keys = (corners - low) @ steps  # (N, d + 1)
        self.vertices, place = np.unique(keys, return_inverse=True)
        rows = np.arange(0, count * (dims + 1) + 1, dims + 1)
        shape = (count, len(self.vertices))
        self.slices = sparse.csr_matrix(
            (weights.ravel().astype(np.float32), place.ravel().astype(np.int32), rows), shape=shape
        )
        self.splats = self.slices.T.tocsr()
        whole = int(steps.sum())
        moves = [whole - (dims + 1) * int(step) for step in steps] + [whole]
        self.neighbors = [(self._at(move), self._at(-move)) for move in moves]

    def _at(self, move: int) -> Tensor:
        """The neighbor of each vertex; one more than the last where there is none."""
        wanted = self.vertices + move
        place = np.searchsorted(self.vertices, wanted).clip(max=len(self.vertices) - 1)
        known = self.vertices[place] == wanted
        return torch.from_numpy(np.where(known, place, len(self.vertices)))

    def filtered(self, values: Values) -> Values:
        """Sums (N, C) of values (N, C) over all points, weighed by a Gaussian of their distance,
        up to a factor that is the same everywhere."""
        x = torch.zeros(len(self.vertices) + 1, values.shape[1])
        x[:-1] = torch.from_numpy(self.splats @ values)  # the last row stays zero
        for first, second in self.neighbors:
            around = x.index_select(0, first).add_(x.index_select(0, second))
            x[:-1].add_(around, alpha=0.5)
        result: Values = self.slices @ x[:-1].numpy()
        return result


def simplices(
    points: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The corners of the simplex around each point, (N, d + 1, d) whole numbers, and the point's
    barycentric coordinates (N, d + 1) in it (Adams et al., Sections 3.1 and 3.2)."""
    count, dims = points.shape
    order = np.arange(1, dims + 1)
    # Splat, blur and slice together have the variance 2/3 (d + 1)^2.
    scaled = points * (math.sqrt(2 / 3) * (dims + 1) / np.sqrt(order * (order + 1)))
    after = np.concatenate([np.cumsum(scaled[:, ::-1], 1)[:, ::-1], np.zeros((count, 1))], 1)
    lifted = after - np.concatenate([np.zeros((count, 1)), scaled * order], 1)  # sums to 0
    near = np.rint(lifted / (dims + 1)).astype(np.int64) * (dims + 1)
    excess = near.sum(1) // (dims + 1)
    rest = lifted - near
    ranks = np.empty((count, dims + 1), np.int64)
    places = np.argsort(-rest, 1, kind="stable")
    np.put_along_axis(ranks, places, np.broadcast_to(np.arange(dims + 1), ranks.shape), 1)
    ranks += excess[:, None]
    low, high = ranks < 0, ranks > dims
    near += (low.astype(np.int64) - high) * (dims + 1)
    ranks += (low.astype(np.int64) - high) * (dims + 1)
    rest = (lifted - near) / (dims + 1)
    ordered = np.empty_like(rest)
    np.put_along_axis(ordered, ranks, rest, 1)  # the largest first
    weights = np.empty_like(rest)
    weights[:, 1:] = (ordered[:, :-1] - ordered[:, 1:])[:, ::-1]
    weights[:, 0] = 1 + ordered[:, -1] - ordered[:, 0]
    remainders = np.arange(dims + 1)[None, :, None]
    ranked = ranks[:, None, :dims]
    corners = near[:, None, :dims] + np.where(
        ranked <= dims - remainders, remainders, remainders - (dims + 1)
    )
    return corners, weights
