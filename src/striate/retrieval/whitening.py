"""Principal components with their variances made alike (Jégou & Chum 2012), learned on vectors."""

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.retrieval.aggregation import normalized

FEWEST = 256  # pictures; of fewer, variances are mostly noise, and whitening would enlarge it
EACH = 8  # pictures for each principal component that is kept; regions of one are much alike


class Moments:
    """Mean and covariance of the vectors of pictures that come in parts; in float64."""

    def __init__(self, size: int):
        self.pictures = self.count = 0
        self.total = torch.zeros(size, dtype=torch.float64)
        self.products = torch.zeros(size, size, dtype=torch.float64)

    def add(self, vectors: Tensor) -> None:
        """Counts the vectors (N, R, D) of more pictures."""
        exact = vectors.flatten(0, 1).double()
        self.pictures += len(vectors)
        self.count += len(exact)
        self.total += exact.sum(0)
        self.products.addmm_(exact.T, exact)

    @property
    def mean(self) -> Tensor:
        """(D,)."""
        return self.total / self.count

    @property
    def covariance(self) -> Tensor:
        """(D, D), of the population."""
        return self.products / self.count - torch.outer(self.mean, self.mean)


@dataclass(frozen=True, eq=False)
class Whitening:
    """x to (x - mean) projection.

    Attributes:
        mean: (D,) float32.
        projection: (D, d) float32; the columns are principal components, each divided by a power of
            its variance.
    """

    mean: Tensor
    projection: Tensor

    @classmethod
    def learned(
        cls, moments: Moments, *, strength: float = 1.0, dimensions: int | None = None
    ) -> "Whitening":
        """Principal components e with variances v, as columns e v^(-strength / 2), largest first.

        Args:
            strength: 1 makes all variances alike, as R-MAC and GeM do; 0 leaves them as they are.
            dimensions: how many are kept; one for EACH pictures, if None.
                Those without variance are never kept.

        Raises:
            ValueError: if nothing varies.
        """
        variances, vectors = torch.linalg.eigh(moments.covariance)
        variances, vectors = variances.flip(0), vectors.flip(1)
        wanted = moments.pictures // EACH if dimensions is None else dimensions
        varying = int((variances > variances[0].clamp(min=0) * 1e-9).sum())
        kept = min(max(1, wanted), varying)
        if kept < 1:
            raise ValueError("all vectors are the same: there is nothing to whiten")
        scale = variances[:kept].pow(-strength / 2)
        return cls(moments.mean.float(), (vectors[:, :kept] * scale).float())

    def __call__(self, vectors: Tensor) -> Tensor:
        """Vectors (..., D) to (..., d)."""
        return (vectors - self.mean) @ self.projection


def finished(vectors: Tensor, whitening: Whitening | None) -> Tensor:
    """What is indexed of pictures: their vectors (N, R, D), each of length 1, whitened where asked,
    brought to length 1 again and added up: (N, d) of length 1."""
    if whitening is not None:
        vectors = normalized(whitening(vectors))
    return normalized(vectors.sum(1))
