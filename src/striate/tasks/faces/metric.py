"""How alike two faces are, by their numbers: the cosine of whitened projections, or what DeepFace
takes (Taigman et al. 2014, Section 4): inner product, weighted chi2, a Siamese network.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import DataError
from striate.models.deepface import normalized

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
    unit = True

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
        largest: (D,) by which DeepFace's numbers are normalized; None: they are compared as they
            are.
    """

    weights: Tensor
    cell: int = 1
    largest: Tensor | None = None

    kind = "chi2"
    unit = False

    def embed(self, numbers: Tensor) -> Tensor:
        """(N, D): the numbers themselves, none negative, or normalized."""
        positive = numbers.clamp(min=0)
        return positive if self.largest is None else normalized(positive, self.largest)

    def similarity(self, first: Vectors, second: Vectors) -> NDArray[np.float64]:
        """(P,) of embeddings (P, D); 0 for two that are the same."""
        parts = parts_of(first, second, self.cell)
        found: NDArray[np.float64] = -(parts @ self.weights.numpy().astype(np.float64))
        return found

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it."""
        whole = {"weights": self.weights, "cell": torch.tensor(self.cell)}
        return whole if self.largest is None else {**whole, "largest": self.largest}


@dataclass(frozen=True, eq=False)
class Inner:
    """The inner product of normalized numbers: nothing of it is learned from pairs.

    Attributes:
        largest: (D,) on the training set.
    """

    largest: Tensor

    kind = "inner"
    unit = True

    def embed(self, numbers: Tensor) -> Tensor:
        """(N, D) in [0, 1], of unit length."""
        return normalized(numbers.clamp(min=0), self.largest)

    def similarity(self, first: Vectors, second: Vectors) -> NDArray[np.float64]:
        """(P,) in [0, 1] of embeddings (P, D)."""
        found: NDArray[np.float64] = np.einsum("pk,pk->p", first, second, dtype=np.float64)
        return found

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it."""
        return {"largest": self.largest}


@dataclass(frozen=True, eq=False)
class Siamese:
    """What the logistic unit on top of a Siamese network reads: sum over i of a_i |f_i - g_i|, and
    a bias (Taigman et al. 2014, Section 4.2).

    Attributes:
        weights: (D,).
        bias: ().
    """

    weights: Tensor
    bias: Tensor

    kind = "siamese"
    unit = False

    def embed(self, numbers: Tensor) -> Tensor:
        """(N, D): the numbers themselves."""
        return numbers

    def similarity(self, first: Vectors, second: Vectors) -> NDArray[np.float64]:
        """(P,) logits that both are the same, of embeddings (P, D)."""
        away = np.abs(first.astype(np.float64) - second.astype(np.float64))
        found: NDArray[np.float64] = away @ self.weights.double().numpy() + float(self.bias)
        return found

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it."""
        return {"weights": self.weights, "bias": self.bias}


Metric = Cosine | ChiSquare | Inner | Siamese


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
        cell, weights, largest = int(tensors["cell"]), tensors["weights"], tensors.get("largest")
        if weights.ndim != 1 or cell < 1:
            raise ValueError("its weights are not a row")
        if largest is not None and largest.shape != (len(weights) * cell,):
            raise ValueError("its weights and largest values do not belong together")
        return ChiSquare(weights, cell, largest)
    if kind == "inner":
        if tensors["largest"].ndim != 1:
            raise ValueError("its largest values are not a row")
        return Inner(tensors["largest"])
    if kind == "siamese":
        if tensors["weights"].ndim != 1 or tensors["bias"].ndim:
            raise ValueError("its weights are not a row with a bias")
        return Siamese(tensors["weights"], tensors["bias"])
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
