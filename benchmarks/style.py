"""Style transfer beside a plain PyTorch program that minimizes the same loss.

    python benchmarks/style.py [--quick] [--json]

The plain program runs VGG-16 up to conv5_1 as torch computes it, Gram matrices and losses by
autograd, and `torch.optim.LBFGS` on the pixels, from the photograph, at full size. Rows: one look
in turns; 100 iterations; the time until the loss of its 100 iterations is reached, smaller pictures
first. Then the feed-forward form: a step of learning (the network of half the published width, a
picture of 128 px) and painting a picture of 512 px, beside a plain program with the same weights;
and painting it beside the few looks of L-BFGS that reach as low a loss as a network that has
learned for a quarter of an hour (docs/style.md). Weights and pictures are those of ../shared;
without them random weights and noise.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _plain_painter import PlainLoss, PlainPainter
from _rows import Row, absent, compared, main, paired, seconds
from torch import Tensor, nn

from striate.images import read
from striate.models import Normalization, Stages, create
from striate.models.image_transformation import ImageTransformation
from striate.models.published import KERAS
from striate.ops.memory import channels_last, keep_memory
from striate.style import CONTENT, STYLE, Perception, PerceptualLoss, Weights
from striate.style._transfer import Objective, transfer
from striate.style.descent import Change, minimized
from striate.style.pictures import at_size, scaled_size, tensor_of
from striate.tasks.style.judging import PAINTING, layers_of

SHARED = Path(os.environ.get("STRIATE_SHARED", "../shared"))
STYLE_WEIGHT = Weights().style
LOOKS = 4


def measure(quick: bool) -> Iterable[Row]:
    size, iterations = (96, 8) if quick else (256, 100)
    network, photo, painting = material()
    perception = Perception(network)
    loss = PerceptualLoss(perception, KERAS, CONTENT, Weights())
    objective = Objective(photo, [painting], None, scaled_size(photo, size), loss)
    plain = Plain(network, objective.photo, painting, size, KERAS)
    first, second = float(objective(objective.photo)), float(plain(objective.photo))
    assert abs(first - second) < 1e-3 * first, (first, second)

    picture = objective.photo

    def look(loss: Objective | Plain) -> Callable[[], Tensor]:
        def once() -> Tensor:
            pixels = picture.clone().requires_grad_()
            return torch.autograd.grad(loss(pixels), pixels)[0]

        return once

    yield from fed_forward(network, photo, painting, quick)

    yield paired(f"the loss and its gradient, {size} px", look(objective), look(plain),
                 peer="plain PyTorch", target=1.5, rounds=2 if quick else 9)  # fmt: skip

    start = time.perf_counter()
    theirs = list(plain.minimized(picture, iterations))
    peer = time.perf_counter() - start
    start = time.perf_counter()
    ours = list(minimized(Change(picture), objective, iterations))
    mine = time.perf_counter() - start
    case = f"{iterations} iterations, to {ours[-1]:.3f}, theirs to {theirs[-1]:.3f}"
    yield compared(case, "s", mine, "plain PyTorch", peer, less=True, target=1.5)

    goal = theirs[-1]
    start = time.perf_counter()
    found = transfer(
        photo, [painting], perception, KERAS, content=CONTENT, size=size, iterations=iterations
    )
    whole = time.perf_counter() - start
    last = found.sizes[:, 1] == found.sizes[-1, 1]
    reached = np.flatnonzero(last & (found.losses <= goal))
    case = f"to the loss of its {iterations} iterations, {goal:.3g}, smaller pictures first"
    if not len(reached):
        reason = f"its loss is not reached, but {found.losses[-1]:.3g}"
        yield absent(case, "s", "plain PyTorch", reason, 3.0, ours=whole)
        return
    work = found.sizes.prod(1)  # pixels looked at, which the time goes by
    share = work[: reached[0] + 1].sum() / work.sum()
    yield compared(case, "s", whole * share, "plain PyTorch", peer, less=True, target=3.0)


def fed_forward(
    network: Stages, photo: np.ndarray, painting: np.ndarray, quick: bool
) -> Iterable[Row]:
    keep_memory()  # as learning does; it is the whole process that keeps it
    side, large, rounds = (64, 96, 2) if quick else (128, 512, 7)
    content, style = layers_of(network)
    perception = Perception(network, (*style, *content))
    loss = PerceptualLoss(perception, KERAS, content, Weights(style=5, variation=1), style=style)
    loss.paint(at_size(painting, PAINTING))
    torch.manual_seed(0)
    ours = channels_last(ImageTransformation(width=16))
    theirs = PlainPainter(ours)
    peer = PlainLoss(network, content[0], style, at_size(painting, PAINTING), KERAS, loss.weights)
    crop = at_size(photo, 2 * side)[:, :, :side, :side].contiguous()

    def mine() -> Tensor:
        kept = loss.of_photographs(crop)
        return torch.cat(list(loss(ours(crop), kept).values())).sum()

    def other() -> Tensor:
        return peer(theirs(crop), crop)

    first, second = float(mine().detach()), float(other().detach())
    assert abs(first - second) < 1e-3 * first, (first, second)
    steps = []
    for model, total in ((ours, mine), (theirs, other)):
        optimizer = torch.optim.Adam(model.parameters(), 0.0)
        steps.append(partial(step, total, optimizer))
    yield paired(f"feed-forward: a step of learning, {side} px", *steps, peer="plain PyTorch",
                 target=1.3, rounds=rounds)  # fmt: skip

    whole = at_size(photo, large)
    paint = [partial(inferred, model.eval(), whole) for model in (ours, theirs)]
    yield paired(f"feed-forward: a picture of {large} px", *paint, peer="plain PyTorch",
                 rounds=rounds)  # fmt: skip

    objective = Objective(photo, [painting], None, tuple(whole.shape[2:]), loss)
    mine, look = min(seconds(paint[0]) for _ in range(3)), seconds(partial(looked, objective))
    yield compared(f"feed-forward: the same beside {LOOKS} looks", "s", mine,
                   "L-BFGS", LOOKS * look, less=True)  # fmt: skip


def step(total: Callable[[], Tensor], optimizer: torch.optim.Optimizer) -> None:
    """Forward, backward, and what the optimizer does."""
    optimizer.zero_grad()
    total().backward()
    optimizer.step()


def inferred(model: nn.Module, picture: Tensor) -> Tensor:
    """Its answer."""
    with torch.inference_mode():
        found: Tensor = model(picture)
    return found


def looked(objective: Objective) -> Tensor:
    """A look at the losses and their gradient."""
    pixels = objective.photo.clone().requires_grad_()
    return torch.autograd.grad(objective(pixels), pixels)[0]


def material() -> tuple[Stages, np.ndarray, np.ndarray]:
    """The network, a photograph and a painting."""
    weights = SHARED / "weights/vgg16_imagenet/vgg16_features_keras_imagenet_bgr.pth"
    paintings = SHARED / "data/paintings"
    network = create("vgg16", weights=weights if weights.exists() else None)
    assert isinstance(network, Stages)
    if paintings.is_dir():
        names = ("photo_tuebingen.webp", "van_gogh_starry_night_1889.webp")
        return network, *(read(paintings / name) for name in names)
    random = np.random.default_rng(0)
    return network, *(random.integers(0, 256, (384, 512, 3), np.uint8) for _ in range(2))


class Plain:
    """The program that one writes first."""

    def __init__(
        self, network: Stages, photo: Tensor, painting: np.ndarray, size: int, norm: Normalization
    ):
        from PIL import Image

        stages = list(network.stages())
        last = network.stage_names.index(STYLE[-1])
        self.stages = [(name, stage) for name, stage in stages[: last + 1]]
        nn.ModuleList(stage for _, stage in self.stages).requires_grad_(False).eval()
        self.norm = norm
        rows, columns = scaled_size(painting, size)
        resized = Image.fromarray(painting).resize((columns, rows), Image.Resampling.BICUBIC)
        self.content = {name: m for name, m in self.maps(photo).items() if name in CONTENT}
        style = self.maps(tensor_of(np.asarray(resized)))
        self.style = {name: gram(style[name]) for name in STYLE}

    def maps(self, picture: Tensor) -> dict[str, Tensor]:
        x, found = self.norm(picture), {}
        for name, stage in self.stages:
            x = stage(x)
            if name in CONTENT + STYLE:
                found[name] = x
        return found

    def __call__(self, picture: Tensor) -> Tensor:
        maps = self.maps(picture)
        loss = picture.new_zeros(())
        for name, wanted in self.content.items():
            loss = loss + ((maps[name] - wanted) ** 2).mean() / (wanted**2).mean()
        for name, wanted in self.style.items():
            error = ((gram(maps[name]) - wanted) ** 2).mean() / (wanted**2).mean()
            loss = loss + STYLE_WEIGHT * error / len(self.style)
        return loss

    def minimized(self, picture: Tensor, iterations: int) -> Iterator[float]:
        picture = picture.clone().requires_grad_()
        optimizer = torch.optim.LBFGS([picture], max_iter=1, tolerance_grad=0, tolerance_change=0)

        def loss() -> Tensor:
            optimizer.zero_grad()
            total = self(picture)
            total.backward()
            return total

        for _ in range(iterations):
            yield float(optimizer.step(loss).detach())


def gram(maps: Tensor) -> Tensor:
    """(1, C, H, W) to (C, C)."""
    flat = maps.flatten(2)[0]
    return flat @ flat.T / flat.shape[1]


if __name__ == "__main__":
    main(measure, __doc__)
