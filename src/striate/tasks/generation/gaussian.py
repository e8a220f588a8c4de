"""The hand-crafted generator: principal components, drawn as a Gaussian, of each class one.

A picture is a mean and a sum of directions with standard normal numbers before them (the eigenfaces
of Turk & Pentland 1991, drawn instead of measured).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.tasks.generation.answers import Pixels
from striate.tasks.generation.sampler import Walked, check_prior, spherical
from striate.tasks.pictures.predictor import whole

MOST = 100_000_000  # numbers of all directions together


@dataclass(eq=False, kw_only=True)
class Gaussian(Walked):
    """Standard normal noise to pictures.

    Attributes:
        means: (K, S * S * C) of each class, or of all pictures where none are told.
        directions: (K, Z, S * S * C) the principal ones, each as long as its standard deviation.
    """

    kind: ClassVar[str] = "gaussian"
    means: NDArray[np.float32]
    directions: NDArray[np.float32]
    size: int
    channels: int
    told: tuple[str, ...]
    prior: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.noise = self.directions.shape[1]

    @property
    def parameters(self) -> int:
        return self.means.size + self.directions.size

    def drawn(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        return random.standard_normal((count, self.noise), np.float32)

    def between(
        self, first: NDArray[np.float32], last: NDArray[np.float32], shares: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """On the great circle: normal vectors of many numbers are nearly all equally long."""
        return spherical(first, last, shares)

    def made(self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None) -> Pixels:
        numbers = np.zeros(len(vectors), np.int64) if labels is None else labels
        found = np.empty((len(vectors), self.means.shape[1]), np.float32)
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            found[mine] = self.means[number] + vectors[mine] @ self.directions[number]
        shape = (-1, self.size, self.size, self.channels)
        return np.rint(found).clip(0, 255).astype(np.uint8).reshape(shape)

    def tensors(self) -> dict[str, Tensor]:
        return {
            "means": torch.from_numpy(self.means),
            "directions": torch.from_numpy(self.directions),
            "prior": torch.from_numpy(self.prior),
        }

    def header(self) -> dict[str, Any]:
        return {"side": self.size, "channels": self.channels, "told": list(self.told)}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        means, directions, prior = (
            tensors[name].numpy() for name in ("means", "directions", "prior")
        )
        told = tuple(map(str, header["told"]))
        side, channels = whole(header["side"]), whole(header["channels"])
        count, pixels = max(1, len(told)), side * side * channels
        if told not in ((), names) or channels not in (1, 3) or directions.ndim != 3:
            raise ValueError("its classes, channels or directions are not as they should be")
        if means.shape != (count, pixels) or directions.shape[::2] != (count, pixels):
            raise ValueError("its means and directions do not belong together")
        if not directions.shape[1]:
            raise ValueError("it has no direction")
        check_prior(prior, told)
        return cls(
            means=means.astype(np.float32), directions=directions.astype(np.float32),
            size=side, channels=channels, told=told, prior=prior.astype(np.float64),
        )  # fmt: skip


def fitted(
    pixels: Pixels, numbers: NDArray[np.int64], classes: int, most: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means (K, P) and directions (K, Z, P) of pixels (N, S, S, C) of each class; Z is `most`, or
    less where no class has so many pictures or pixels."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    some = [flat[numbers == number] for number in range(classes)]
    count = min(most, flat.shape[1], max(1, max(map(len, some)) - 1))
    means = np.stack([one.mean(0) if len(one) else flat.mean(0) for one in some])
    directions = np.zeros((classes, count, flat.shape[1]), np.float32)
    for number, one in enumerate(some):
        mine = min(count, len(one) - 1)
        if mine > 0:
            directions[number, :mine] = _principal(one - means[number], mine)
    return means, directions


def _principal(centered: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """(count, P) the directions of most variance, as long as their deviations: by the smaller of
    the two products of rows (N, P)."""
    rows = len(centered)
    if rows <= centered.shape[1]:
        values, vectors = np.linalg.eigh((centered @ centered.T).astype(np.float64))
        found = vectors[:, ::-1][:, :count].T @ centered / np.sqrt(rows - 1)
        return np.asarray(found, np.float32)
    values, vectors = np.linalg.eigh((centered.T @ centered).astype(np.float64) / (rows - 1))
    lengths = np.sqrt(values[::-1][:count].clip(0))
    return np.asarray(vectors[:, ::-1][:, :count].T * lengths[:, None], np.float32)
