"""The settings of an occlusion experiment, and room for its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.surgery import check_name
from striate.visualize.incremental import layout
from striate.visualize.reading import Probabilities, batch_of, chosen, finite, maps_of, survey


@dataclass(frozen=True)
class Maps:
    """The answers of a network with a square hidden, for each place of the square.

    Attributes:
        probability: (rows, columns) of `target`, in [0, 1].
        most_probable: (rows, columns) int64, a class.
        activation: (rows, columns), the sum over feature map `channel` of `layer`.
        tops, lefts: (rows,) and (columns,): the first pixel row and column that the square hides.
        size: the square's side in pixels.
        image_size: (H, W) of the image.
        target: the class.
        clean_probability, clean_activation: the same of the image as it is.
        layer, channel: whose activation is meant.
        incremental: False where every image was computed whole.
    """

    probability: NDArray[np.float64]
    most_probable: NDArray[np.int64]
    activation: NDArray[np.float64]
    tops: NDArray[np.int64]
    lefts: NDArray[np.int64]
    size: int
    image_size: tuple[int, int]
    target: int
    clean_probability: float
    clean_activation: float
    layer: str
    channel: int
    incremental: bool

    def over_pixels(self, values: NDArray[Any] | None = None) -> NDArray[np.float64]:
        """(H, W): for each pixel the mean over the squares that hide it; NaN where none does.

        Args:
            values: (rows, columns); where None, how much of the probability each square takes
                away, so that the pixels that matter are large.
        """
        if values is None:
            values = self.clean_probability - self.probability
        total, count = np.zeros(self.image_size), np.zeros(self.image_size)
        for top, row in zip(self.tops, values, strict=True):
            for left, value in zip(self.lefts, row, strict=True):
                hidden = slice(top, top + self.size), slice(left, left + self.size)
                total[hidden] += value
                count[hidden] += 1
        return np.divide(total, count, out=np.full(self.image_size, np.nan), where=count > 0)


def question_of(
    model: nn.Module,
    image: Tensor,
    target: int | None,
    size: int,
    stride: int,
    fill: float | Sequence[float],
    layer: str | None,
    probabilities: Probabilities,
) -> "Question":
    """The arguments of `occlusion`, checked, with the network's answer to the clean image."""
    image = batch_of(model, image)
    channels, height, width = image.shape[1:]
    if not 1 <= size <= min(height, width):
        raise ModelError(f"a square of {size} does not fit an image of {height} x {width}")
    if stride < 1:
        raise ModelError(f"stride is 1 or more, not {stride}")
    if layer is not None:
        check_name(model, layer)
    image = image.contiguous(memory_format=layout(image))
    clean, totals = survey(model, image)
    if layer is None:
        layer = next(reversed(totals))
    if layer not in totals:  # without places, or a full connection's numbers
        totals[layer] = maps_of(model, image, layer).double().sum((2, 3))
    strength = totals[layer][0]
    known = probabilities(clean.double().cpu())
    return Question(
        model=model,
        image=image,
        target=chosen(model, known, target),
        layer=layer,
        channel=int(strength.argmax()),
        fill=paint(fill, channels, image),
        size=size,
        places=(places(height, size, stride), places(width, size, stride)),
        clean=known[0],
        strength=float(strength.max()),
        probabilities=probabilities,
    )


def places(side: int, size: int, stride: int) -> NDArray[np.int64]:
    """Where squares begin along a side.

    >>> places(10, 4, 4).tolist()
    [0, 4, 6]
    """
    regular = np.arange(0, side - size + 1, stride)
    return regular if regular[-1] == side - size else np.append(regular, side - size)


def paint(fill: float | Sequence[float], channels: int, image: Tensor) -> Tensor:
    """What hides a pixel, (1, C, 1, 1).

    Raises:
        ModelError: if there are neither one number nor one a channel, or they are not finite.
    """
    values = torch.as_tensor(fill, dtype=image.dtype, device=image.device).flatten()
    if len(values) not in (1, channels):
        raise ModelError(f"fill is one number or {channels}, one a channel, not {len(values)}")
    return finite(values, "fill").expand(channels).reshape(1, channels, 1, 1)


@dataclass(frozen=True)
class Question:
    """The model, the clean image, what is watched, and what is hidden where.

    Attributes:
        clean: (classes,) probabilities of the clean image.
        strength: the total of the watched channel there.
        probabilities: of logits (N, classes).
    """

    model: nn.Module
    image: Tensor
    target: int
    layer: str
    channel: int
    fill: Tensor
    size: int
    places: tuple[NDArray[np.int64], NDArray[np.int64]]
    clean: Tensor
    strength: float
    probabilities: Probabilities

    @property
    def grid(self) -> tuple[int, int]:
        """How many places there are, down and across."""
        return len(self.places[0]), len(self.places[1])

    def blank(self) -> "Answer":
        """Room for the answers to all positions."""
        return Answer(torch.empty(0), torch.full(self.grid, torch.nan, dtype=torch.float64))

    def maps(
        self,
        probability: NDArray[np.float64],
        most_probable: NDArray[np.int64],
        activation: NDArray[np.float64],
        *,
        incremental: bool,
    ) -> Maps:
        """What was found, with the settings."""
        height, width = self.image.shape[-2:]
        return Maps(
            probability=probability,
            most_probable=most_probable,
            activation=activation,
            tops=self.places[0],
            lefts=self.places[1],
            size=self.size,
            image_size=(height, width),
            target=self.target,
            clean_probability=float(self.clean[self.target]),
            clean_activation=self.strength,
            layer=self.layer,
            channel=self.channel,
            incremental=incremental,
        )

    def occluded(self, positions: NDArray[np.int64]) -> Tensor:
        """The image with the square at each of the positions (B, 2): (B, C, H, W)."""
        images = self.image.repeat(len(positions), 1, 1, 1)
        images = images.contiguous(memory_format=layout(images))
        for each, (row, column) in zip(images, positions, strict=True):
            top, left = self.places[0][row], self.places[1][column]
            each[:, top : top + self.size, left : left + self.size] = self.fill[0]
        return images


@dataclass
class Answer:
    """Logits (rows, columns, classes) and totals (rows, columns), in double precision, filled in
    block by block."""

    logits: Tensor
    totals: Tensor

    def put(self, positions: NDArray[np.int64], logits: Tensor, totals: Tensor | None) -> None:
        """The answers to some positions."""
        finite(logits, "the network's answer")
        if not len(self.logits):
            self.logits = logits.new_empty(
                (*self.totals.shape, logits.shape[-1]), dtype=torch.float64, device="cpu"
            )
        rows, columns = positions.T
        self.logits[rows, columns] = logits.double().cpu()
        if totals is not None:
            self.totals[rows, columns] = totals.double().cpu()
