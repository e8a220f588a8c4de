"""Dreams: the picture that raises the score of a class, of a feature map or of a layer most.

Starts from noise (Simonyan et al. 2014, arXiv:1312.6034, Section 2) or from a photograph
(Mordvintsev, Olah & Tyka 2015, "Inceptionism") and climbs. Left alone the climb ends in patterns
that only the network understands, so the picture is held near natural ones (Olah, Mordvintsev &
Schubert 2017, "Feature Visualization", doi:10.23915/distill.00007, "The Enemy of Feature
Visualization"):

    spectrum    it is learned as its Fourier coefficients, those of high frequency scaled down as
                they are in natural images
    color       along the axes of natural colors (Ohta, Kanade & Sakai 1980)
    views       the network's input is another view of it at every step: shifted, scaled, turned
    noise       with noise, which falls to nothing on the way: what is finer than it is not learned
                before what is coarse
    variation   neighbors that differ cost (total variation)
    decay       and so does what is far from where it started

A step is one pass forward and back through a copy of the network that ends at the layer, with batch
normalization folded into the convolutions, and no gradient of a weight.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import Diverged, ModelError
from striate.inference import Preprocessing
from striate.models import cut
from striate.models.surgery import folded
from striate.ops.memory import channels_last
from striate.progress import stage
from striate.visualize.colors import Pixels
from striate.visualize.reading import (
    answer,
    channel_of,
    chosen,
    differentiating,
    maps_of,
    placed,
)

# Rows: red, green, blue; columns: intensity, red against blue, green against both.
OHTA = ((1.0, 0.5, -0.25), (1.0, 0.0, 0.5), (1.0, -0.5, -0.25))
SPREAD = (1.0, 0.6, 0.35)  # how far natural colors vary along each, intensity being 1
NOISE = 0.05  # standard deviation at the start, in logits of a pixel
RATE, GENTLE = 0.1, 0.04  # from noise, from a photograph
FALLING = 0.5  # the share of the steps in which the rate falls to nothing
GROWING = 0.6  # the share of the steps in which a large picture is seen closer and closer


@dataclass(frozen=True)
class Priors:
    """How strongly a dream is held near natural pictures (see the top of this file)."""

    power: float = 1.25  # a coefficient of frequency f weighs 1 / f**power
    jitter: int = 16  # pixels, each way
    zoom: float = 0.35  # up to so much larger or smaller
    rotation: float = 15.0  # degrees, each way
    noise: float = 0.1  # standard deviation at the start, pixels in [0, 1]
    variation: float = 0.0  # per mean square difference of neighbors, pixels in [0, 1]
    decay: float = 0.0  # per mean square distance from the start, pixels in [0, 1]


@dataclass(frozen=True)
class Dream:
    """A picture found by gradient ascent.

    Attributes:
        picture: (H, W, 3) uint8.
        scores: (steps,) what was climbed on: the logit, or the mean of the map or layer.
        frames: the pictures on the way, if they were asked for.
    """

    picture: Pixels
    scores: NDArray[np.float64]
    frames: tuple[Pixels, ...]


def dream(
    model: nn.Module,
    preprocessing: Preprocessing,
    *,
    target: int | None = None,
    layer: str | None = None,
    channel: int | None = None,
    neuron: bool = False,
    start: Pixels | None = None,
    size: int | None = None,
    steps: int = 192,
    rate: float | None = None,
    priors: Priors | None = None,
    seed: int = 0,
    every: int = 0,
) -> Dream:
    """Dreams of a class (its logit rises), of a feature map (its mean), of one neuron of it, or of
    a whole layer (its mean square).

    The same seed gives the same picture on the same machine.

    Args:
        preprocessing: of the model; the side of its input is that of the view.
        target: a class; or else
        layer: a layer by name, and
        channel: one of its feature maps; all of them where None.
        neuron: of the feature map the neuron in the middle alone.
        start: a photograph (H, W, 3) uint8; gray where None.
        size: the longer side of the picture; that of the model's input where None.
        rate: of Adam, per step, in standard deviations of the picture's logits; where None 0.1
            from gray and 0.04 from a photograph.
        every: keep a frame every so many steps; 0 keeps none.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if there is no such class or map, or the model's answer is not finite.
        Diverged: if it stops being finite on the way.
    """
    if (target is None) == (layer is None):
        raise ModelError("a dream is of one class (target=) or of one layer (layer=)")
    if neuron and channel is None:
        raise ModelError("a neuron is one of a feature map (channel=)")
    if steps < 1:
        raise ModelError(f"a dream takes at least one step, not {steps}")
    priors = priors or Priors()
    rate = rate if rate is not None else RATE if start is None else GENTLE
    side = preprocessing.view.size
    generator = torch.Generator().manual_seed(seed)
    ground = ground_of(start, size or side, len(preprocessing.normalization.mean))
    with differentiating(model):
        with torch.no_grad():
            check(model, preprocessing, ground, side, target, layer, channel)
        score = scorer(model, preprocessing, target, layer, channel, neuron)
        ground = ground.to(placed(model, ground).device)
        painting = Painting(ground, priors, generator)
        closest = math.log(max(1.0, min(ground.shape[2:]) / side))

        def terms(progress: float) -> dict[str, Tensor]:
            picture = painting()
            nearness = math.exp(closest * max(0.0, 1 - progress / GROWING))
            seen = viewed(picture, side, nearness, priors, generator)
            if priors.noise:
                noise = torch.randn(seen.shape, generator=generator).to(seen)
                seen = seen + priors.noise * (1 - progress) * noise
            found = {"score": -score(seen)}
            if priors.variation:
                found["variation"] = priors.variation * variation(picture)
            if priors.decay:
                found["decay"] = priors.decay * (picture - ground).square().mean()
            return found

        optimizer = torch.optim.Adam([painting.spectrum], lr=rate, betas=(0.9, 0.99))
        scores, frames = [], []
        with stage("dream", steps) as bar:
            for step in range(1, steps + 1):
                progress = (step - 1) / steps
                optimizer.param_groups[0]["lr"] = rate * min(1.0, (1 - progress) / FALLING)
                found = terms(progress)
                total = torch.stack(list(found.values())).sum()
                if not math.isfinite(float(total.detach())):
                    raise Diverged(f"step {step}: the dream is no longer finite; lower its rate")
                (painting.spectrum.grad,) = torch.autograd.grad(total, [painting.spectrum])
                optimizer.step()
                scores.append(-float(found["score"].detach()))
                bar.advance(note=f"score {scores[-1]:.3g}")
                if every and (step % every == 0 or step == steps):
                    frames.append(painting.pixels())
    return Dream(painting.pixels(), np.array(scores), tuple(frames))


class Painting:
    """A picture in [0, 1], (1, C, H, W) float32, as what a spectrum adds to a ground.

    `spectrum` holds real and imaginary parts, (1, C, H, W // 2 + 1, 2), in units in which random
    coefficients of standard deviation 1 make waves of standard deviation 1.
    """

    def __init__(self, ground: Tensor, priors: Priors, generator: torch.Generator):
        channels, height, width = ground.shape[1:]
        self.size = (height, width)
        self.ground = torch.logit(ground, 0.02)
        axes = torch.tensor(OHTA) * torch.tensor(SPREAD) if channels == 3 else torch.eye(channels)
        self.axes = axes.to(ground)
        self.weights = weights_of(self.size, priors.power).to(ground)
        shape = (1, channels, height, width // 2 + 1, 2)
        self.spectrum = (NOISE * torch.randn(shape, generator=generator)).to(ground)
        self.spectrum.requires_grad_()

    def __call__(self) -> Tensor:
        coefficients = torch.view_as_complex(self.spectrum) * self.weights
        waves = torch.fft.irfft2(coefficients, s=self.size, norm="ortho")
        return torch.sigmoid(self.ground + torch.einsum("dc,nchw->ndhw", self.axes, waves))

    def pixels(self) -> Pixels:
        """The picture as (H, W, 3) uint8."""
        with torch.no_grad():
            picture = (255 * self()[0]).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def weights_of(size: tuple[int, int], power: float) -> Tensor:
    """How much each coefficient of a real picture's transform weighs, (H, W // 2 + 1).

    The mean color weighs as much as the longest wave. Coefficients whose parts have variance 1 make
    pixels of variance 1: a column stands for itself and its mirror image, two times two; the first,
    and the last of an even width, are their own mirror images, of which a real picture has half.
    """
    down = torch.fft.fftfreq(size[0])[:, None]
    across = torch.fft.rfftfreq(size[1])[None]
    weights = torch.hypot(down, across).clamp(min=1 / max(size)) ** -power
    shares = torch.full((size[1] // 2 + 1,), 4.0)
    shares[0] = 1
    if size[1] % 2 == 0:
        shares[-1] = 1
    variance = (shares * weights.square()).sum() / (size[0] * size[1])
    return weights / variance.sqrt()


def viewed(
    picture: Tensor, side: int, nearness: float, priors: Priors, generator: torch.Generator
) -> Tensor:
    """What the network sees of the picture: a square of it, shifted, scaled and turned at random,
    (1, C, side, side); beyond the border the picture is reflected.

    Args:
        nearness: pixels of the picture to a pixel of the view.
    """
    if nearness >= 2:  # what lies between the points that a coarse view reads would be skipped
        by = int(nearness)
        picture, nearness = F.avg_pool2d(picture, by), nearness / by
    zoom, turn, *shifts = (2 * torch.rand(4, generator=generator) - 1).tolist()
    apart = nearness * (1 + priors.zoom) ** -zoom
    angle = math.radians(priors.rotation * turn)
    height, width = picture.shape[2:]
    reach = nearness * side
    down, across = (
        shift * (max(0.0, length - reach) / 2 + min(nearness * priors.jitter, length / 4))
        for shift, length in zip(shifts, (height, width), strict=True)
    )
    cosine, sine = apart * side * math.cos(angle), apart * side * math.sin(angle)
    warp = torch.tensor(
        [[cosine / width, -sine / width, 2 * across / width],
         [sine / height, cosine / height, 2 * down / height]]
    )  # fmt: skip
    grid = F.affine_grid(warp[None].to(picture), [1, 1, side, side], align_corners=False)
    return F.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)


def scorer(
    model: nn.Module,
    preprocessing: Preprocessing,
    target: int | None,
    layer: str | None,
    channel: int | None,
    neuron: bool,
) -> Callable[[Tensor], Tensor]:
    """What is climbed on, of views (1, C, S, S) in [0, 1]."""
    part = model if layer is None else cut(model, layer)
    folds = layer is None or not isinstance(model.get_submodule(layer), nn.Conv2d)
    if folds:  # a convolution that is asked for itself must not take its normalization in
        part = channels_last(folded(part)).requires_grad_(False)
    like = next((t for t in part.parameters() if t.is_floating_point()), None)

    def score(views: Tensor) -> Tensor:
        images = preprocessing(255 * views)
        images = images.to(images.dtype if like is None else like.dtype)
        images = images.contiguous(memory_format=torch.channels_last)
        if target is not None:
            return answer(part, images)[0, target].to(views.dtype)
        maps = part(images).to(views.dtype)
        if channel is None:
            return maps.square().mean()
        one = maps[:, channel]
        if neuron and one.ndim == 3:
            one = one[:, one.shape[1] // 2, one.shape[2] // 2]
        return one.mean()

    return score


def variation(picture: Tensor) -> Tensor:
    """The mean square difference of neighbors, down and across."""
    down = (picture[:, :, 1:] - picture[:, :, :-1]).square().mean()
    return down + (picture[:, :, :, 1:] - picture[:, :, :, :-1]).square().mean()


def ground_of(start: Pixels | None, size: int, channels: int) -> Tensor:
    """Where a dream begins, (1, channels, H, W) in [0, 1], the longer side of `size` pixels."""
    if start is None:
        return torch.full((1, channels, size, size), 0.5)
    from PIL import Image

    height, width = start.shape[:2]
    scale = size / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(start).convert("RGB" if channels == 3 else "L")
    pixels = np.array(image.resize(inner, Image.Resampling.BICUBIC)).reshape(*inner[::-1], channels)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


def check(
    model: nn.Module,
    preprocessing: Preprocessing,
    ground: Tensor,
    side: int,
    target: int | None,
    layer: str | None,
    channel: int | None,
) -> None:
    """Refuses a class, layer or map that does not exist, before any work."""
    gray = torch.full((1, ground.shape[1], side, side), 127.5)
    images = placed(model, preprocessing(gray))
    if target is not None:
        chosen(model, answer(model, images), target)
    elif layer is not None:
        maps = maps_of(model, images, layer)
        if channel is not None:
            channel_of(maps, channel, layer)
