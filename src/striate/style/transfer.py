"""Style transfer by optimization (Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional
Neural Networks", CVPR 2016): the picture whose maps are those of a photograph and occur together as
those of a painting, found by L-BFGS.

Beyond the paper: it begins small and is enlarged on the way; changes are measured in frequencies of
which the low ones weigh more, which L-BFGS takes fewer iterations in; total variation; several
paintings, also each for a region of its own (Gatys et al. 2017, arXiv:1611.07865, Section 4.1).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import Diverged, ImageError, UnknownName, UserError
from striate.images.values import read_values
from striate.inference import fastest_device
from striate.models import Normalization
from striate.ops.memory import keep_memory
from striate.progress import stage
from striate.style.colors import COLORS, grayed, recolored, with_luminance
from striate.style.losses import content_loss, gram, style_loss, total_variation
from striate.style.perception import Perception

Pixels = NDArray[np.uint8]
SMALLEST = 64  # pixels of a side that coarse pictures keep at least
COARSE = 5  # of its iterations one each comes before, at smaller sizes
LOWEST = 4  # waves along a picture, below which changes weigh no more
STARTS = ("photo", "noise")
HISTORY = 100  # pairs that L-BFGS remembers
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


@dataclass(frozen=True)
class Weights:
    """What each loss counts for.

    Attributes:
        content, style: alpha and beta of Equation 7; of style each layer has an equal share.
        variation: of total variation, over pixels in [0, 1].
    """

    content: float = 1.0
    style: float = 30.0
    variation: float = 0.0


def transfer(
    photo: Pixels,
    paintings: Sequence[Pixels],
    perception: Perception,
    normalization: Normalization,
    *,
    content: Sequence[str],
    size: int = 512,
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
        content: which of them keep the photograph; all others keep the paintings.
        size: of the longer side of the picture, and of each painting, in pixels.
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
    check(photo, paintings, perception, content, size, iterations, colors, regions, start)
    if colors == "matched":
        paintings = [recolored(painting, photo) for painting in paintings]
    elif colors == "luminance":
        paintings = [grayed(painting, photo) for painting in paintings]
    keep_memory()
    ground = grayed(photo, photo) if colors == "luminance" else photo
    full = scaled_size(photo, size)
    levels = coarse_sizes(full) if coarse else [full]
    colored = resized(photo, full)

    def shown(picture: Tensor) -> Pixels:
        pixels = pixels_of(picture)
        if colors != "luminance":
            return pixels
        return with_luminance(colored, resized(pixels, full))

    plan = [(level, max(1, iterations // COARSE)) for level in levels[:-1]] + [(full, iterations)]
    painted: Tensor | None = None  # as a change of the photograph
    losses: list[float] = []
    sizes: list[tuple[int, int]] = []
    frames: list[Pixels] = []
    with stage("paint", sum(steps for _, steps in plan)) as bar:
        for level, steps in plan:
            objective = Objective(
                ground, paintings, regions, level, perception, normalization, content, weights
            )
            begun = beginning(objective.photo, start, seed)
            if painted is not None:
                begun = objective.photo + enlarged(painted, level)
            change = Change(begun)
            for loss in minimized(change, objective, steps):
                if not math.isfinite(loss):
                    raise Diverged(
                        f"iteration {len(losses) + 1}: the loss is no longer finite; give the "
                        "style less weight"
                    )
                losses.append(loss)
                sizes.append(level)
                bar.advance(note=f"{level[1]} x {level[0]}, loss {loss:.4g}")
                if every and len(losses) % every == 0:
                    frames.append(resized(shown(change()), full))
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
        perception: Perception,
        normalization: Normalization,
        content: Sequence[str],
        weights: Weights,
    ):
        self.perception, self.normalization = perception, normalization
        self.weights = weights
        device = fastest_device()
        self.photo = tensor_of(resized(photo, size)).to(device)
        self.painted: list[tuple[str, Tensor, Tensor | None]] = []
        with torch.no_grad():
            ours = self.maps(self.photo)
            self.content = {layer: ours[layer] for layer in content}
            for number, painting in enumerate(paintings):
                shown = resized(painting, scaled_size(painting, max(size)))
                theirs = self.maps(tensor_of(shown).to(device))
                for layer in ours.keys() - set(content):
                    places = ours[layer].shape[2:]
                    shares = (
                        None if regions is None else shares_of(regions == number, places).to(device)
                    )
                    self.painted.append((layer, gram(theirs[layer]), shares))

    def maps(self, picture: Tensor) -> dict[str, Tensor]:
        """The maps of every layer that a loss reads."""
        return self.perception(self.normalization(picture))

    def __call__(self, picture: Tensor) -> Tensor:
        maps, weights = self.maps(picture), self.weights
        kept = [content_loss(maps[layer], wanted) for layer, wanted in self.content.items()]
        painted = [style_loss(maps[layer], wanted, share) for layer, wanted, share in self.painted]
        total = weights.content * torch.stack(kept).sum()
        total = total + weights.style * torch.stack(painted).mean()
        if weights.variation:
            total = total + weights.variation * total_variation(picture / 255)
        return total


class Change:
    """A picture (1, 3, H, W) as what it begins as, and the change from that which `values` stand
    for: of every frequency f of it f^(-1/2) as much. Low frequencies then need smaller numbers,
    as they do in natural pictures, and a descent reaches them sooner."""

    def __init__(self, begun: Tensor):
        rows, columns = begun.shape[2:]
        frequency = torch.hypot(torch.fft.fftfreq(rows)[:, None], torch.fft.rfftfreq(columns))
        gain = (frequency + LOWEST / max(rows, columns)) ** -0.5
        self.begun, self.size = begun, (rows, columns)
        self.gain = (gain / gain.mean()).to(begun)
        self.values = torch.zeros_like(begun, memory_format=torch.contiguous_format)
        self.values.requires_grad_()

    def __call__(self) -> Tensor:
        spectrum = torch.fft.rfft2(self.values, norm="ortho") * self.gain
        return self.begun + torch.fft.irfft2(spectrum, s=self.size, norm="ortho")


def minimized(change: Change, objective: Objective, iterations: int) -> Iterator[float]:
    """Steps of L-BFGS (Liu & Nocedal 1989) without a line search; yields the loss before each.

    What is minimized is the loss times the number of values, for the optimizer takes curvatures
    below a fixed size for rounding. Its first step, along the gradient, moves each value by 1 gray
    in the mean.
    """
    number = change.values.numel()
    optimizer = torch.optim.LBFGS(
        [change.values],
        lr=number,
        max_iter=1,
        history_size=HISTORY,
        tolerance_grad=0,
        tolerance_change=0,
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        total = number * objective(change())
        total.backward()
        return total

    for _ in range(iterations):
        yield float(optimizer.step(loss).detach()) / number
        optimizer.param_groups[0]["lr"] = 1.0


def beginning(photo: Tensor, start: str, seed: int) -> Tensor:
    """The picture before the first step."""
    if start == "photo":
        return photo
    generator = torch.Generator().manual_seed(seed)
    return 127.5 + 32 * torch.randn(photo.shape, generator=generator).to(photo)


def coarse_sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Halves of a size, and halves of those, down to where too little is left; the size last.

    >>> coarse_sizes((256, 171)), coarse_sizes((100, 80))
    ([(128, 86), (256, 171)], [(100, 80)])
    """
    found = [size]
    while min(size) >= 2 * SMALLEST:
        size = (round(size[0] / 2), round(size[1] / 2))
        found.insert(0, size)
    return found


def scaled_size(pixels: Pixels, longer: int) -> tuple[int, int]:
    """Rows and columns with the longer of both as given."""
    rows, columns = pixels.shape[:2]
    scale = longer / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """(H, W, 3) at that size, bicubic."""
    from PIL import Image

    if pixels.shape[:2] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC))


def enlarged(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, 3, H, W) at that size, bicubic."""
    if picture.shape[2:] == size:
        return picture
    return F.interpolate(picture, size, mode="bicubic", align_corners=False)


def shares_of(region: NDArray[np.bool_], size: Sequence[int]) -> Tensor:
    """What every place of a map of that size has of a region, in all 1."""
    covered = torch.from_numpy(region.astype(np.float32))[None]
    found = F.adaptive_avg_pool2d(covered, (size[0], size[1]))[0]
    return found / found.sum()


def regions_in(path: str | Path) -> NDArray[np.int64]:
    """A mask's regions (H, W), numbered by their gray or number in the file, the lowest as 0.

    Raises:
        ImageError: if it cannot be read.
    """
    try:
        values = read_values(path).pixels
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    grays = values if values.ndim == 2 else values.astype(np.int64) @ (65536, 256, 1)
    return np.unique(grays, return_inverse=True)[1].reshape(grays.shape)


def tensor_of(pixels: Pixels) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) float32."""
    return torch.tensor(pixels).permute(2, 0, 1)[None].float().contiguous()


def pixels_of(picture: Tensor) -> Pixels:
    """(1, 3, H, W) to (H, W, 3) uint8."""
    found = picture.detach()[0].round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    return np.ascontiguousarray(found.cpu().numpy())


def check(
    photo: Pixels,
    paintings: Sequence[Pixels],
    perception: Perception,
    content: Sequence[str],
    size: int,
    iterations: int,
    colors: str,
    regions: NDArray[np.integer] | None,
    start: str,
) -> None:
    """Refuses what cannot be painted, before any work."""
    if not paintings:
        raise UserError("give at least one painting")
    if colors not in COLORS:
        raise UnknownName("colors", colors, COLORS)
    if start not in STARTS:
        raise UnknownName("start", start, STARTS)
    if missing := set(content) - set(perception.layers):
        raise UserError(f"nothing is known of layer {min(missing)}: the network is cut before it")
    if not set(perception.layers) - set(content):
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


def check_regions(regions: NDArray[np.integer], photo: Pixels, paintings: int) -> None:
    """Refuses a mask of another size, or of other numbers than there are paintings."""
    if regions.shape != photo.shape[:2]:
        raise UserError(
            f"the mask has {regions.shape[1]} x {regions.shape[0]} pixels, the photograph "
            f"{photo.shape[1]} x {photo.shape[0]}"
        )
    found = np.unique(regions).tolist()
    if found != list(range(paintings)):
        raise UserError(
            f"the mask parts the photograph into {len(found)}, and there are {paintings} "
            "paintings; it must have one gray for each, darkest first, and no smoothed edges"
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
