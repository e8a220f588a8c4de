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
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.inference import evaluating
from striate.models.surgery import named
from striate.progress import Stage, stage
from striate.visualize.graph import Network, Untraceable, network_of
from striate.visualize.incremental import Recomputation
from striate.visualize.questions import Answer, Maps, Question, question_of
from striate.visualize.reading import Probabilities, answer, softmax
from striate.visualize.rectangles import TOGETHER, Plan, Span, plan_of

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
    (maps,) = occlusions(
        model, [image], [target], size=size, stride=stride, fill=fill, layer=layer,
        incremental=incremental, batch=batch, probabilities=probabilities,
    )  # fmt: skip
    return maps


def occlusions(
    model: nn.Module,
    images: Tensor | Sequence[Tensor],
    targets: Sequence[int | None] | None = None,
    *,
    size: int = 32,
    stride: int = 8,
    fill: float | Sequence[float] = 0.0,
    layer: str | None = None,
    incremental: bool = True,
    batch: int = BATCH,
    probabilities: Probabilities = softmax,
) -> list[Maps]:
    """What `occlusion` gives for each of several images, computed together: squares at a few
    neighboring places, of several images, share a batch. None is larger than it is for one image,
    and at most half a gigabyte of clean feature maps is kept where one image takes no more.

    Args:
        images: (N, C, H, W), or N of one size, as `occlusion` takes one.
        targets: a class for each, as `occlusion` takes one; the most probable one of each where
            None.
        size, stride, fill, layer, incremental, batch, probabilities: as `occlusion`; the feature
            map that is watched in `layer` is each image's own.

    Returns:
        N maps, in the order of the images.

    Raises:
        UnknownName, ModelError: as `occlusion`; and if there are no images, they differ in size, or
            there are not as many targets.

    Warns:
        UserWarning: as `occlusion`.
    """
    if batch < 1:
        raise ModelError(f"batch is 1 or more, not {batch}")
    check_images(images, targets)
    targets = targets or [None] * len(images)
    found: list[Maps] = []
    for start in range(0, len(images), TOGETHER[-1]):
        some = slice(start, start + TOGETHER[-1])
        with evaluating(model):
            questions = [
                question_of(model, image, target, size, stride, fill, layer, probabilities)
                for image, target in zip(images[some], targets[some], strict=True)
            ]
            every = np.ones(questions[0].grid, bool)
            answers = by_rectangles(questions, every) if incremental else None
            others = answers or [by_brute_force(each, every, batch) for each in questions]
        found += [
            maps_of_answer(question, answer, incremental=answers is not None)
            for question, answer in zip(questions, others, strict=True)
        ]
    return found


def check_images(images: Tensor | Sequence[Tensor], targets: Sequence[int | None] | None) -> None:
    """Raises ModelError where images and targets do not go together."""
    if not len(images):
        raise ModelError("there is no image")
    sizes = sorted({tuple(image.shape[-3:]) for image in images})
    if len(sizes) > 1:
        raise ModelError(f"images of one size go together, not of {sizes[0]} and {sizes[1]}")
    if targets is not None and len(targets) != len(images):
        raise ModelError(f"{len(images)} images have as many targets, not {len(targets)}")


def maps_of_answer(question: Question, answer: Answer, *, incremental: bool) -> Maps:
    """The three maps, where every position has its answer."""
    values = question.probabilities(answer.logits.flatten(0, 1)).unflatten(0, question.grid)
    return question.maps(
        values[..., question.target].numpy(),
        values.argmax(-1).numpy(),
        answer.totals.numpy(),
        incremental=incremental,
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


def by_rectangles(questions: Sequence[Question], wanted: NDArray[np.bool_]) -> list[Answer] | None:
    """Only what the square can reach; None, with a warning, where that cannot be followed.

    Args:
        questions: of one model, which differ in their images.
    """
    first, answers = questions[0], list[Answer]()
    name = named(first.model)
    try:
        network = network_of(first.model, first.image, first.model.get_submodule(first.layer))
    except Untraceable as reason:
        warnings.warn(f"{name}: {reason}; every occluded image is computed whole", stacklevel=4)
        return None
    for operation in network.operations:
        if not operation.known:
            warnings.warn(
                f"{name}: it is not known what {operation.name} reads; it and all behind it are "
                "computed whole",
                stacklevel=4,
            )
    down, across = (
        Span(begin, begin + first.size, side)
        for begin, side in zip(first.places, first.image.shape[-2:], strict=True)
    )
    with stage("occlude", int(wanted.sum()) * len(questions)) as bar:
        while len(answers) < len(questions):
            left = questions[len(answers) :]
            plan = plan_of(network, (down, across), float(wanted.mean()), len(left))
            some = left[: plan.images]
            alone = not answers and len(some) == 1
            clean = network if alone else network.on(torch.cat([each.image for each in some]))
            answers += run(some, clean, plan, wanted, bar)
            if not all(map(agrees, some, answers[-len(some) :], [wanted] * len(some))):
                warnings.warn(
                    f"{name} computes otherwise than torch.fx followed it; every occluded image is "
                    "computed whole",
                    stacklevel=4,
                )
                return None
    return answers


def run(
    questions: Sequence[Question],
    network: Network,
    plan: Plan,
    wanted: NDArray[np.bool_],
    bar: Stage,
) -> list[Answer]:
    """Every block of a plan."""
    answers = [question.blank() for question in questions]
    channels = [question.channel for question in questions]
    recomputation = Recomputation(network, questions[0].fill, channels)
    for found in recomputation.answers(plan, wanted):
        for number, room in enumerate(answers):
            mine = found.images == number
            if mine.any():
                chosen = torch.from_numpy(mine).to(found.logits.device)
                totals = None if found.totals is None else found.totals[chosen]
                room.put(found.positions[mine], found.logits[chosen], totals)
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
