"""Style transfer by optimization (Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional
Neural Networks", CVPR 2016): the picture whose maps are those of a photograph and occur together as
those of a painting, found by L-BFGS.

Beyond the paper: it begins small and is enlarged on the way; changes are measured in frequencies of
which the low ones weigh more, which L-BFGS takes fewer iterations in; total variation; several
paintings, also each for a region of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import Diverged, UnknownName, UserError
from striate.images import resized
from striate.inference import fastest_device
from striate.models import Normalization
from striate.ops.memory import keep_memory
from striate.progress import stage
from striate.style.colors import COLORS, grayed, recolored, with_luminance
from striate.style.descent import Change, beginning, minimized
from striate.style.perception import Perception
from striate.style.perceptual import PerceptualLoss, Weights
from striate.style.pictures import (
    SMALLEST,
    Pixels,
    at_size,
    check_painting,
    coarse_sizes,
    enlarged,
    pixels_of,
    scaled_size,
    tensor_of,
)
from striate.style.regions import check_regions, shares_of

COARSE = 5  # of its iterations one each comes before, at smaller sizes
STARTS = ("photo", "noise")
COPIES = 2.5  # of all feature maps at once: maps, gradients, what a convolution lays out


@dataclass(frozen=True)
class Transferred:
    """A painted photograph.

    Attributes:
        picture: (H, W, 3) uint8.
        losses: (iterations,) the sum that was minimized, of each size that of its own pictures.
        sizes: (iterations, 2) rows and columns at each.
        frames: the pictures on the way, if they were asked for.
    """

    picture: Pixels
    losses: NDArray[np.float64]
    sizes: NDArray[np.int64]
    frames: tuple[Pixels, ...]


def transfer(
    photo: Pixels,
    paintings: Sequence[Pixels],
    perception: Perception,
    normalization: Normalization,
    *,
    content: Sequence[str],
    style: Sequence[str] | None = None,
    size: int = 512,
    painting_size: int | None = None,
    iterations: int = 100,
    weights: Weights | None = None,
    colors: str = "painting",
    regions: NDArray[np.integer] | None = None,
    start: str = "photo",
    coarse: bool = True,
    seed: int = 0,
    every: int = 0,
) -> Transferred:
    """Paints a photograph in the style of paintings.

    The same seed gives the same picture on the same machine.

    Args:
        photo, paintings: (H, W, 3) uint8 each, of any sizes.
        perception: its layers are those of the losses.
        content: which of them keep the photograph.
        style: which of them keep the paintings; None: all others.
        size: of the longer side of the picture, in pixels.
        painting_size: of that of each painting; None: the same.
        iterations: of L-BFGS at this size; each looks at the losses once.
        colors: "painting"; "matched": its own colors get mean and covariance of the photograph's;
            "luminance": only light and shade are painted, the photograph's colors stay.
        regions: (H, W) in the photograph's shape: the number of the painting for every pixel. None:
            all paintings everywhere.
        start: from the photograph, or from noise as in the paper.
        coarse: whether smaller pictures come before, each of half the size of the next, with a
            fifth of the iterations.
        every: keep a frame every so many iterations; 0 keeps none.

    Raises:
        UserError: if nothing can be painted as asked; the line says why.
        Diverged: if a loss stops being finite.
    """
    weights = weights or Weights()
    perception = perception.to(fastest_device())
    check(photo, paintings, perception, content, style, size, iterations, colors, regions, start)
    larger = 1.0 if painting_size is None else painting_size / size
    if colors == "matched":
        paintings = [recolored(painting, photo) for painting in paintings]
    elif colors == "luminance":
        paintings = [grayed(painting, photo) for painting in paintings]
    keep_memory()
    ground = grayed(photo, photo) if colors == "luminance" else photo
    full = scaled_size(photo, size)
    levels = coarse_sizes(full) if coarse else [full]
    colored = resized(photo, *full)

    def shown(picture: Tensor) -> Pixels:
        pixels = pixels_of(picture)
        if colors != "luminance":
            return pixels
        return with_luminance(colored, resized(pixels, *full))

    plan = [(level, max(1, iterations // COARSE)) for level in levels[:-1]] + [(full, iterations)]
    painted: Tensor | None = None  # as a change of the photograph
    losses: list[float] = []
    sizes: list[tuple[int, int]] = []
    frames: list[Pixels] = []
    with stage("paint", sum(steps for _, steps in plan)) as bar:
        for level, steps in plan:
            loss = PerceptualLoss(perception, normalization, content, weights, style=style)
            side = round(larger * max(level))
            objective = Objective(ground, paintings, regions, level, loss, painting_size=side)
            begun = beginning(objective.photo, start, seed)
            if painted is not None:
                begun = objective.photo + enlarged(painted, level)
            change = Change(begun)
            for value in minimized(change, objective, steps):
                if not math.isfinite(value):
                    raise Diverged(
                        f"iteration {len(losses) + 1}: the loss is no longer finite; give the "
                        "style less weight"
                    )
                losses.append(value)
                sizes.append(level)
                bar.advance(note=f"{level[1]} x {level[0]}, loss {value:.4g}")
                if every and len(losses) % every == 0:
                    frames.append(resized(shown(change()), *full))
            painted = (change() - objective.photo).detach()
    return Transferred(shown(change()), np.array(losses), np.array(sizes), tuple(frames))


class Objective:
    """The sum of all losses of a picture (1, 3, H, W) in [0, 255], at one size."""

    def __init__(
        self,
        photo: Pixels,
        paintings: Sequence[Pixels],
        regions: NDArray[np.integer] | None,
        size: tuple[int, int],
        loss: PerceptualLoss,
        *,
        painting_size: int | None = None,
    ):
        device = fastest_device()
        self.loss, self.photo = loss, tensor_of(resized(photo, *size)).to(device)
        self.kept = loss.of_photographs(self.photo)
        for number, painting in enumerate(paintings):
            shares = None if regions is None else self.shares(regions == number)
            loss.paint(at_size(painting, painting_size or max(size)).to(device), shares)

    @torch.no_grad()
    def shares(self, region: NDArray[np.bool_]) -> dict[str, Tensor]:
        """What each place of each layer has of a region."""
        maps = self.loss.maps(self.photo, self.loss.style)
        return {layer: shares_of(region, each.shape[2:]).to(each) for layer, each in maps.items()}

    def __call__(self, picture: Tensor) -> Tensor:
        return torch.cat(list(self.loss(picture, self.kept).values())).sum()


def check(
    photo: Pixels,
    paintings: Sequence[Pixels],
    perception: Perception,
    content: Sequence[str],
    style: Sequence[str] | None,
    size: int,
    iterations: int,
    colors: str,
    regions: NDArray[np.integer] | None,
    start: str,
) -> None:
    """Refuses what cannot be painted, before any work."""
    if not paintings:
        raise UserError("give at least one painting")
    for painting in paintings:
        check_painting(painting)
    if colors not in COLORS:
        raise UnknownName("colors", colors, COLORS)
    if start not in STARTS:
        raise UnknownName("start", start, STARTS)
    if missing := {*content, *(style or ())} - set(perception.layers):
        raise UserError(f"nothing is known of layer {min(missing)}: the network is cut before it")
    if not (set(perception.layers) - set(content) if style is None else style):
        raise UserError("no layer is left for the style")
    if size < SMALLEST or iterations < 1:
        raise UserError(f"a picture has at least {SMALLEST} pixels a side and takes one iteration")
    if regions is not None:
        check_regions(regions, photo, len(paintings))
    rows, columns = scaled_size(photo, size)
    needed, free = rows * columns * bytes_a_pixel(perception), psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"pictures of {columns} x {rows} need about {needed / 2**30:.0f} GB of memory, and "
            f"{free / 2**30:.0f} are free; give a size of at most "
            f"{int(size * (free / needed) ** 0.5) // 16 * 16} pixels"
        )


def bytes_a_pixel(perception: Perception) -> float:
    """What a look at the losses and its gradients take, per pixel of the picture."""
    side, kept = SMALLEST, []
    hooks = [
        part.register_forward_hook(lambda _, __, found: kept.append(found.numel()))
        for part in perception.stages.values()
    ]
    with torch.no_grad():
        perception(torch.zeros(1, 3, side, side, device=fastest_device()))
    for hook in hooks:
        hook.remove()
    return 4 * COPIES * sum(kept) / side**2
