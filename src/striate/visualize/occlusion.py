"""The occlusion experiment (Zeiler & Fergus 2014, Section 4.2, Figure 6): what happens if a square
hides a part of the image?

For each place of the square three things are noted, in one pass over the places: the probability of
the class, the most probable class, and the total activation of the feature map that was strongest
in the clean image.

Most of what a network computes for a hidden square it has computed for the clean image already.
Where torch.fx can follow the network only the rest is computed (`incremental`), with the same
answers up to rounding; any other network sees every occluded image whole.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.surgery import check_name, named
from striate.progress import stage
from striate.training import evaluating
from striate.visualize.graph import Network, Untraceable, network_of
from striate.visualize.incremental import Recomputation, layout
from striate.visualize.reading import answer, batch_of, chosen, finite, maps_of, survey
from striate.visualize.rectangles import Plan, Span, plan_of

BATCH = 16  # occluded images at a time, where each is computed whole
AGREEMENT = 1e-3  # in probability; rounding alone stays a hundred times below


@dataclass(frozen=True)
class Maps:
    """What a network says with a square hidden, for each place of the square.

    Attributes:
        probability: (rows, columns) of `target`, in [0, 1].
        most_probable: (rows, columns) int64, a class.
        activation: (rows, columns), the sum over feature map `channel` of `layer`.
        tops, lefts: (rows,) and (columns,): the first pixel row and column that the square hides.
        size: the square's side in pixels.
        image_size: (H, W) of the image.
        target: the class that is asked about.
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


def occlusion(
    model: nn.Module,
    image: Tensor,
    target: int | None = None,
    *,
    size: int = 32,
    stride: int = 8,
    fill: float | Sequence[float] = 0.0,
    layer: str | None = None,
    incremental: bool = True,
    batch: int = BATCH,
) -> Maps:
    """Slides a square over an image and notes what the network says.

    Args:
        model: gives logits (N, classes); its mode, hooks and weights are given back as they were.
        image: (C, H, W) or (1, C, H, W), as the model takes it.
        target: the class to ask about; the most probable one of the clean image where None.
        size: the square's side in pixels.
        stride: pixels from one place to the next; a last one at each border is added where the
            image is not a whole number of strides.
        fill: what hides the image, one number or one a channel, as the model takes pixels; 0 is the
            mean color where pixels are normalized.
        layer: where to watch the feature map that is strongest in the clean image; the last layer
            with places to tell apart where None.
        incremental: False computes every occluded image whole, `batch` of them at a time.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if the square is larger than the image, there is no such class, or the network
            answers with numbers that are not finite.

    Warns:
        UserWarning: if the network, or one of its operations, cannot be followed.
    """
    if batch < 1:
        raise ModelError(f"batch is 1 or more, not {batch}")
    with evaluating(model):
        question = question_of(model, image, target, size, stride, fill, layer)
        every = np.ones(question.grid, bool)
        answers = by_rectangles(question, every) if incremental else None
        found = answers or by_brute_force(question, every, batch)
    return question.maps(
        found.logits.softmax(-1)[..., question.target].numpy(),
        found.logits.argmax(-1).numpy(),
        found.totals.numpy(),
        incremental=answers is not None,
    )


def question_of(
    model: nn.Module,
    image: Tensor,
    target: int | None,
    size: int,
    stride: int,
    fill: float | Sequence[float],
    layer: str | None,
) -> "Question":
    """What `occlusion` is asked, checked, with what the network says of the clean image."""
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
    return Question(
        model=model,
        image=image,
        target=chosen(model, clean, target),
        layer=layer,
        channel=int(strength.argmax()),
        fill=paint(fill, channels, image),
        size=size,
        places=(places(height, size, stride), places(width, size, stride)),
        clean=clean.double().softmax(1)[0],
        strength=float(strength.max()),
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
    """What is asked: the model, the clean image, what is watched, and what is hidden where.

    Attributes:
        clean: (classes,) probabilities of the clean image.
        strength: the total of the watched channel there.
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
        """What was found, with what was asked."""
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


def by_brute_force(question: Question, wanted: NDArray[np.bool_], batch: int) -> Answer:
    """Every wanted occluded image, whole."""
    answers = question.blank()
    positions = np.argwhere(wanted)
    with stage("occlude", len(positions)) as bar:
        for start in range(0, len(positions), batch):
            some = positions[start : start + batch]
            answers.put(some, *whole_answers(question, some))
            bar.advance(len(some))
    return answers


def whole_answers(question: Question, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Logits (B, classes) and totals (B,) as the model itself gives them."""
    seen: list[Tensor] = []

    def watch(module: nn.Module, inputs: object, maps: Any) -> None:
        if not seen and isinstance(maps, Tensor):
            seen.append(maps[:, question.channel].double().reshape(len(maps), -1).sum(1))

    handle = question.model.get_submodule(question.layer).register_forward_hook(watch)
    try:
        logits = answer(question.model, question.occluded(positions))
    finally:
        handle.remove()
    return logits, seen[0]


def by_rectangles(question: Question, wanted: NDArray[np.bool_]) -> Answer | None:
    """Only what the square can reach; None, with a warning, where that cannot be followed."""
    name = named(question.model)
    try:
        network = network_of(
            question.model, question.image, question.model.get_submodule(question.layer)
        )
    except Untraceable as reason:
        warnings.warn(f"{name}: {reason}; every occluded image is computed whole", stacklevel=3)
        return None
    for operation in network.operations:
        if not operation.known:
            warnings.warn(
                f"{name}: no rule says what {operation.name} reads; it and all behind it are "
                "computed whole",
                stacklevel=3,
            )
    down, across = (
        Span(first, first + question.size, side)
        for first, side in zip(question.places, question.image.shape[-2:], strict=True)
    )
    answers = run(question, network, plan_of(network, (down, across), float(wanted.mean())), wanted)
    if not agrees(question, answers, wanted):
        warnings.warn(
            f"{name} computes otherwise than torch.fx followed it; every occluded image is "
            "computed whole",
            stacklevel=3,
        )
        return None
    return answers


def run(question: Question, network: Network, plan: Plan, wanted: NDArray[np.bool_]) -> Answer:
    """Every block of a plan."""
    answers = question.blank()
    recomputation = Recomputation(network, question.fill, question.channel)
    with stage("occlude", int(wanted.sum())) as bar:
        for found in recomputation.answers(plan, wanted):
            answers.put(found.positions, found.logits, found.totals)
            bar.advance(len(found.positions))
    return answers


def agrees(question: Question, answers: Answer, wanted: NDArray[np.bool_]) -> bool:
    """Whether the model itself says the same of a few positions."""
    positions = np.argwhere(wanted)
    some = positions[[len(positions) // 2, -1]]
    logits, _ = whole_answers(question, some)
    expected = logits.double().cpu().softmax(-1)[:, question.target]
    found = answers.logits[some[:, 0], some[:, 1]].softmax(-1)[:, question.target]
    return bool((expected - found).abs().max() <= AGREEMENT)
