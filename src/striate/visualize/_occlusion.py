"""The occlusion experiment (Zeiler & Fergus 2014, Section 4.2, Figure 6): what happens if a square
hides a part of the image?

For each place of the square three things are noted, in one pass over the places: the probability of
the class, the most probable class, and the total activation of the feature map that was strongest
in the clean image.

Most of what a network computes for a hidden square it has computed for the clean image already.
Where torch.fx can follow the network only the rest is computed (`incremental`), with the same
answers up to rounding; any other network computes every occluded image whole.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.inference import evaluating
from striate.models.surgery import named
from striate.progress import stage
from striate.visualize.graph import Network, Untraceable, network_of
from striate.visualize.incremental import Recomputation
from striate.visualize.questions import Answer, Maps, Question, question_of
from striate.visualize.reading import Probabilities, answer, softmax
from striate.visualize.rectangles import Plan, Span, plan_of

BATCH = 16  # occluded images at a time, where each is computed whole
AGREEMENT = 1e-3  # in probability; rounding alone stays a hundred times below


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
    probabilities: Probabilities = softmax,
) -> Maps:
    """Slides a square over an image and records the answers of the network.

    Args:
        model: gives logits (N, classes); its mode, hooks and weights are given back as they were.
        image: (C, H, W) or (1, C, H, W), as the model takes it.
        target: the class; where None, the most probable one of the clean image.
        size: the square's side in pixels.
        stride: pixels from one place to the next; a last one at each border is added where the
            image is not a whole number of strides.
        fill: what hides the image, one number or one a channel, as the model takes pixels; 0 is the
            mean color where pixels are normalized.
        layer: where to watch the feature map that is strongest in the clean image; the last layer
            that still has more than one place, where None.
        incremental: False computes every occluded image whole, `batch` of them at a time.
        probabilities: of logits (N, classes) on the CPU, in double precision: how this network's
            are meant; a recognizer's own are `predictor.probabilities`.

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
        question = question_of(model, image, target, size, stride, fill, layer, probabilities)
        every = np.ones(question.grid, bool)
        answers = by_rectangles(question, every) if incremental else None
        found = answers or by_brute_force(question, every, batch)
    values = question.probabilities(found.logits.flatten(0, 1)).unflatten(0, question.grid)
    return question.maps(
        values[..., question.target].numpy(),
        values.argmax(-1).numpy(),
        found.totals.numpy(),
        incremental=answers is not None,
    )


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
    totals: list[Tensor] = []

    def watch(module: nn.Module, inputs: object, maps: Any) -> None:
        if not totals and isinstance(maps, Tensor):
            totals.append(maps[:, question.channel].double().reshape(len(maps), -1).sum(1))

    handle = question.model.get_submodule(question.layer).register_forward_hook(watch)
    try:
        logits = answer(question.model, question.occluded(positions))
    finally:
        handle.remove()
    return logits, totals[0]


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
                f"{name}: it is not known what {operation.name} reads; it and all behind it are "
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
    """Whether the model itself gives the same for a few positions."""
    positions = np.argwhere(wanted)
    some = positions[[len(positions) // 2, -1]]
    logits, _ = whole_answers(question, some)
    both = (logits.double().cpu(), answers.logits[some[:, 0], some[:, 1]])
    expected, found = (question.probabilities(each)[:, question.target] for each in both)
    return bool((expected - found).abs().max() <= AGREEMENT)
