"""What every predictor of this task can: pictures by a seed, and from vectors that people give."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import UserError
from striate.tasks.contract import Input, Predictor
from striate.tasks.generation.answers import Answer, Pixels
from striate.tasks.generation.noise import Noise, read

AT_ONCE = 64  # pictures that are made together: memory holds no more


class Sampler(Predictor):
    """Makes pictures.

    Attributes:
        size: pixels of a side.
        channels: 1 or 3.
        told: names of the classes that it can be asked for; () where it makes what it likes.
    """

    size: int
    channels: int
    told: tuple[str, ...]

    @abstractmethod
    def sampled(
        self, count: int, *, seed: int = 0, label: int | None = None
    ) -> Iterator[list[Answer]]:
        """So many pictures, some at a time; those of a seed begin alike for any count.

        Args:
            label: the number of a class in `told`; where None, classes are drawn as they occur.
        """

    def samples(self, count: int, *, seed: int = 0, label: int | None = None) -> list[Answer]:
        """As `sampled`, all at once."""
        return [one for some in self.sampled(count, seed=seed, label=label) for one in some]

    def walk(
        self, count: int, first: int, last: int, *, label: int | None = None
    ) -> Iterator[list[Answer]]:
        """Pictures on the way from the first picture of one seed to that of another.

        Raises:
            UserError: if it makes pictures of no noise that one could walk through.
        """
        raise UserError(f"--walk: {self.kind} has no noise to walk through; leave it out")


class FromNoise(Sampler):
    """Makes a picture of each vector of noise.

    Attributes:
        noise: Z, numbers of a vector.
        prior: (classes,) how often each class of `told` occurs.
    """

    noise: int
    prior: NDArray[np.float64]

    @abstractmethod
    def made(self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None) -> Pixels:
        """Pictures (N, S, S, C) of vectors (N, Z), and of the classes (N,) of each where classes
        are told."""

    @abstractmethod
    def drawn(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Vectors (N, Z) of the noise that it was learned with."""

    def blank(self, times: int = 1) -> str:
        """Zeros as text."""
        return "0 " * self.noise * times

    def rehearsed(self, times: int = 1) -> Noise:
        return Noise(np.zeros(self.noise, np.float32), 0 if self.told else None)

    def prepare(self, item: Input) -> Noise:
        return read(item, self.noise, self.told)

    def predict(self, batch: Sequence[Noise]) -> list[Answer]:
        labels = np.array([one.label or 0 for one in batch], np.int64) if self.told else None
        return self._answers(np.stack([one.vector for one in batch]), labels)

    def _answers(
        self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None
    ) -> list[Answer]:
        found: list[Answer] = []
        for first in range(0, len(vectors), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            some = None if labels is None else labels[part]
            pixels = in_color(self.made(vectors[part], some))
            numbers: list[Any] = [None] * len(pixels) if some is None else some.tolist()
            found += map(Answer, pixels, numbers)
        return found

    def sampled(
        self, count: int, *, seed: int = 0, label: int | None = None
    ) -> Iterator[list[Answer]]:
        for number, first in enumerate(range(0, count, AT_ONCE)):
            random = np.random.default_rng((seed % 2**63, number))
            vectors = self.drawn(random, AT_ONCE)
            labels = self._labels(random, label)
            some = min(AT_ONCE, count - first)
            yield self._answers(vectors[:some], None if labels is None else labels[:some])

    def _labels(self, random: np.random.Generator, label: int | None) -> NDArray[np.int64] | None:
        """(AT_ONCE,) numbers of classes, all one or drawn."""
        if not self.told:
            return None
        drawn = random.choice(len(self.told), AT_ONCE, p=self.prior)
        return drawn if label is None else np.full(AT_ONCE, label)


class Walked(FromNoise):
    """Whose pictures on the way between two vectors lie between theirs."""

    @abstractmethod
    def between(
        self, first: NDArray[np.float32], last: NDArray[np.float32], shares: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """(N, Z) vectors on the way between two, at shares (N,) of it."""

    def walk(
        self, count: int, first: int, last: int, *, label: int | None = None
    ) -> Iterator[list[Answer]]:
        ends = [np.random.default_rng((seed % 2**63, 0)) for seed in (first, last)]
        one, other = (self.drawn(random, AT_ONCE)[0] for random in ends)
        labels = self._labels(ends[0], label)
        number = 0 if labels is None else int(labels[0])
        for start in range(0, count, AT_ONCE):
            places = np.arange(start, min(count, start + AT_ONCE)) / max(1, count - 1)
            vectors = self.between(one, other, places)
            told = np.full(len(vectors), number) if self.told else None
            yield self._answers(vectors, told)


def shares(numbers: NDArray[np.int64], told: Sequence[str]) -> NDArray[np.float64]:
    """(classes,) how often each class that is told occurs among numbers (N,); () without any."""
    return np.bincount(numbers, minlength=len(told)) / len(numbers) if told else np.empty(0)


def check_prior(prior: NDArray[Any], told: Sequence[str]) -> None:
    """Sees that a file tells how often each class occurs.

    Raises:
        ValueError: if it does not.
    """
    if prior.shape != (len(told),) or not (prior >= 0).all():
        raise ValueError("its classes have no probabilities")
    if told and not np.isclose(prior.sum(), 1):
        raise ValueError("the probabilities of its classes do not add up to 1")


def in_color(pixels: Pixels) -> Pixels:
    """(N, H, W, 3) of pixels (N, H, W, C)."""
    return pixels if pixels.shape[3] == 3 else pixels.repeat(3, 3)


def linear(
    first: NDArray[np.float32], last: NDArray[np.float32], shares: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(N, Z) at shares (N,) of the straight way."""
    part = shares[:, None]
    return ((1 - part) * first + part * last).astype(np.float32)


def spherical(
    first: NDArray[np.float32], last: NDArray[np.float32], shares: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(N, Z) at shares (N,) of the way on a great circle (White 2016, arXiv:1609.04468): vectors
    of many numbers all have about the same length, and so have these."""
    one, other = first.astype(np.float64), last.astype(np.float64)
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    if min(lengths) == 0:
        return linear(first, last, shares)
    angle = float(np.arccos(np.clip(one @ other / (lengths[0] * lengths[1]), -1, 1)))
    if np.sin(angle) < 1e-6:
        return linear(first, last, shares)
    part = shares[:, None]
    found = (np.sin((1 - part) * angle) * one + np.sin(part * angle) * other) / np.sin(angle)
    return found.astype(np.float32)
