"""How alike two faces are, by their numbers: the cosine of whitened projections, or chi2."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import DataError

Vectors = NDArray[np.float32]
TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Cosine:
    """The cosine of the angle between projections.

    Attributes:
        mean: (D,) that is taken away.
        projection: (D, K); None: the numbers stay as they are.
    """

    mean: Tensor
    projection: Tensor | None = None

    kind = "cosine"

    def embed(self, numbers: Tensor) -> Tensor:
        """(N, K) of unit length."""
        moved = numbers - self.mean
        if self.projection is not None:
            moved = moved @ self.projection
        return torch.nn.functional.normalize(moved)

    def similarity(self, first: Vectors, second: Vectors) -> NDArray[np.float64]:
        """(P,) in [-1, 1] of embeddings (P, K)."""
        found: NDArray[np.float64] = np.einsum("pk,pk->p", first, second, dtype=np.float64)
        return found

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it."""
        whole = {"mean": self.mean}
        return whole if self.projection is None else {**whole, "projection": self.projection}


@dataclass(frozen=True, eq=False)
class ChiSquare:
    """The negative weighted chi2 distance (Taigman et al. 2014, Section 4.1):
    sum over i of w_i (f_i - g_i)^2 / (f_i + g_i).

    Attributes:
        weights: (D / cell,) one for each cell of as many numbers.
        cell: numbers that share a weight.
    """

    weights: Tensor
    cell: int = 1

    kind = "chi2"

    def embed(self, numbers: Tensor) -> Tensor:
        """(N, D): the numbers themselves, none negative."""
        return numbers.clamp(min=0)

    def similarity(self, first: Vectors, second: Vectors) -> NDArray[np.float64]:
        """(P,) of embeddings (P, D); 0 for two that are the same."""
        parts = parts_of(first, second, self.cell)
        found: NDArray[np.float64] = -(parts @ self.weights.numpy().astype(np.float64))
        return found

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it."""
        return {"weights": self.weights, "cell": torch.tensor(self.cell)}


Metric = Cosine | ChiSquare


def metric_of(kind: Any, tensors: dict[str, Tensor]) -> Metric:
    """The metric of which `tensors` were stored.

    Raises:
        ValueError, LookupError: if they are not of that kind.
    """
    if not all(bool(each.isfinite().all()) for each in tensors.values()):
        raise ValueError("its metric is not finite")
    if kind == "cosine":
        mean, projection = tensors["mean"], tensors.get("projection")
        if mean.ndim != 1 or (projection is not None and projection.shape[:1] != mean.shape):
            raise ValueError("mean and projection do not belong together")
        return Cosine(mean, projection)
    if kind == "chi2":
        cell = int(tensors["cell"])
        if tensors["weights"].ndim != 1 or cell < 1:
            raise ValueError("its weights are not a row")
        return ChiSquare(tensors["weights"], cell)
    raise ValueError(f"faces are compared by {kind!r}")


def parts_of(first: Vectors, second: Vectors, cell: int) -> NDArray[np.float64]:
    """(P, D / cell) the chi2 distance of embeddings (P, D) in each cell."""
    one, two = first.astype(np.float64), second.astype(np.float64)
    each = (one - two) ** 2 / (one + two + TINY)
    found: NDArray[np.float64] = each.reshape(len(each), -1, cell).sum(2)
    return found


def plain(numbers: Tensor) -> Cosine:
    """The cosine of numbers as they are."""
    return Cosine(torch.zeros(numbers.shape[1]))


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of training faces.

    Attributes:
        mean: (D,).
        axes: (D, K), those along which faces vary most first.
        deviations: (K,) along each.
    """

    mean: Tensor
    axes: Tensor
    deviations: Tensor

    @classmethod
    def of(cls, numbers: Tensor, most: int) -> "Components":
        """Of numbers (N, D), as far as there are so many.

        Raises:
            DataError: if all faces are the same.
        """
        mean = numbers.double().mean(0)
        centered = numbers.double() - mean
        values, vectors = torch.linalg.eigh(centered @ centered.T)
        order = values.argsort(descending=True)[: min(most, len(numbers) - 1)]
        order = order[values[order] > TINY * values.max()]
        if not len(order):
            raise DataError("all training faces are the same")
        lengths = values[order].sqrt()
        axes = centered.T.float() @ (vectors[:, order] / lengths).float()
        return cls(mean.float(), axes, (lengths / len(numbers) ** 0.5).float())

    def whitened(self, count: int, power: float = 1.0) -> Cosine:
        """The cosine of the first `count`, each divided by its deviation to a power: 1 whitens, 0
        only turns. What differs between any two faces, as light does, so counts for less."""
        return Cosine(self.mean, self.axes[:, :count] / self.deviations[:count] ** power)
