"""Dreams: the picture that raises the score of a class, of a feature map or of a layer most.

Starts from noise (Simonyan et al. 2014, arXiv:1312.6034, Section 2) or from a photograph
(Mordvintsev, Olah & Tyka 2015, "Inceptionism") and climbs. Left alone the climb ends in noise that
only the network understands, so the picture is held near natural ones:

    octaves     it is a sum of pictures of sides S, S/2, S/4 ...; the finer learn more slowly,
                for in natural images fine detail is weak
    color       it is made of the axes along which natural colors vary (Ohta, Kanade & Sakai 1980)
    jitter      the network's input is another window of it at every step, shifted
    zoom        and scaled
    blur        at first through a blur, which falls to nothing on the way
    variation   neighbors that differ cost (total variation)
    decay       and so does what is far from where it started
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import Diverged, ModelError
from striate.inference import Preprocessing
from striate.progress import stage
from striate.visualize.attribution import blurred
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
COARSEST = 6  # pixels; no octave is smaller
NOISE = 0.02  # of each octave at the start, in logits of a pixel


@dataclass(frozen=True)
class Priors:
    """How strongly a dream is held near natural pictures (see the top of this file)."""

    octaves: int = 6
    falloff: float = 0.7  # the learning rate of an octave, the one twice as coarse having 1
    jitter: int = 16  # pixels, each way
    zoom: float = 0.4  # up to so much larger or smaller
    blur: float = 3.0  # sigma in pixels, at the start
    variation: float = 800.0  # per mean square difference of neighbors, pixels in [0, 1]
    decay: float = 30.0  # per mean square distance from the start, pixels in [0, 1]


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
    start: Pixels | None = None,
    size: int | None = None,
    steps: int = 192,
    rate: float = 0.025,
    priors: Priors | None = None,
    seed: int = 0,
    every: int = 0,
) -> Dream:
    """Dreams of a class (its logit rises), of a feature map (its mean) or of a whole layer (its
    mean square).

    The same seed gives the same picture on the same machine.

    Args:
        preprocessing: of the model; the side of its input is that of the view.
        target: a class; or else
        layer: a layer by name, and
        channel: one of its feature maps; all of them where None.
        start: a photograph (H, W, 3) uint8; gray where None.
        size: the longer side of the picture; that of the model's input where None.
        rate: of Adam, per step, in logits of a pixel.
        every: keep a frame every so many steps; 0 keeps none.

    Raises:
        UnknownName: if there is no such layer; with the closest names.
        ModelError: if there is no such class or map, or the model's answer is not finite.
        Diverged: if it stops being finite on the way.
    """
    if (target is None) == (layer is None):
        raise ModelError("a dream is of one class (target=) or of one layer (layer=)")
    if steps < 1:
        raise ModelError(f"a dream takes at least one step, not {steps}")
    priors = priors or Priors()
    side = preprocessing.view.size
    generator = torch.Generator().manual_seed(seed)
    ground = ground_of(start, size or side, len(preprocessing.normalization.mean))
    ground = placed(model, ground)
    painting = Painting(ground, priors, generator)

    def score(seen: Tensor) -> Tensor:
        images = placed_as(preprocessing(255 * seen), ground)
        if target is not None:
            return answer(model, images)[0, target]
        maps = maps_of(model, images, layer or "")
        return maps.square().mean() if channel is None else maps[:, channel].mean()

    with differentiating(model):
        with torch.no_grad():
            check(model, preprocessing, ground, side, target, layer, channel)

        def losses(number: int) -> dict[str, Tensor]:
            picture = painting()
            fog = priors.blur * (1 - number / (0.75 * steps))
            seen = blurred(picture, fog) if fog > 0.2 else picture
            seen = window(seen, side, priors, generator)
            return {
                "score": -score(seen),
                "variation": priors.variation * variation(picture),
                "decay": priors.decay * (picture - ground).square().mean(),
            }

        optimizer = torch.optim.Adam(
            [
                {"params": [octave], "lr": rate * priors.falloff**number}
                for number, octave in enumerate(painting.octaves)
            ]
        )
        scores, frames = [], []
        with stage("dream", steps) as bar:
            for step in range(1, steps + 1):
                optimizer.zero_grad()
                terms = losses(step - 1)
                total = torch.stack(list(terms.values())).sum()
                if not math.isfinite(float(total.detach())):
                    raise Diverged(f"step {step}: the dream is no longer finite; lower its rate")
                total.backward()
                optimizer.step()
                scores.append(-float(terms["score"].detach()))
                bar.advance(note=f"score {scores[-1]:.3g}")
                if every and (step % every == 0 or step == steps):
                    frames.append(painting.pixels())
    return Dream(painting.pixels(), np.array(scores), tuple(frames))


class Painting:
    """A picture in [0, 1], (1, C, H, W), as the sum of its octaves over a ground."""

    def __init__(self, ground: Tensor, priors: Priors, generator: torch.Generator):
        self.size = (ground.shape[2], ground.shape[3])
        self.ground = torch.logit(ground, 0.02)
        channels = ground.shape[1]
        axes = torch.tensor(OHTA) * torch.tensor(SPREAD) if channels == 3 else torch.eye(channels)
        self.axes = axes.to(ground)
        self.octaves = [
            (NOISE * torch.randn(1, channels, *sides, generator=generator)).to(ground)
            for sides in sides_of(self.size, priors.octaves)
        ]
        for octave in self.octaves:
            octave.requires_grad_()

    def __call__(self) -> Tensor:
        total = torch.zeros_like(self.ground)
        for octave in self.octaves:
            if octave.shape[2:] == self.size:
                total = total + octave
            else:
                total = total + F.interpolate(
                    octave, size=self.size, mode="bicubic", align_corners=False
                )
        return torch.sigmoid(self.ground + torch.einsum("dc,nchw->ndhw", self.axes, total))

    def pixels(self) -> Pixels:
        """The picture as (H, W, 3) uint8."""
        with torch.no_grad():
            picture = (255 * self()[0]).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def sides_of(size: tuple[int, int], octaves: int) -> list[tuple[int, int]]:
    """Rows and columns of each octave, the coarsest first.

    >>> sides_of((224, 112), 3), sides_of((16, 8), 9)
    ([(56, 28), (112, 56), (224, 112)], [(12, 6), (16, 8)])
    """
    coarsest = max(1.0, min(size) / COARSEST)
    halvings = [min(2.0**k, coarsest) for k in range(octaves)]
    return [
        (math.ceil(size[0] / by), math.ceil(size[1] / by))
        for by in sorted(set(halvings), reverse=True)
    ]


def window(picture: Tensor, side: int, priors: Priors, generator: torch.Generator) -> Tensor:
    """The part of the picture that is the network's input: a shifted, scaled square,
    (1, C, side, side)."""
    if priors.jitter:
        around = min(priors.jitter, min(picture.shape[2:]) - 1)
        picture = F.pad(picture, (around,) * 4, mode="reflect")
    scale = 1 + priors.zoom * (2 * float(torch.rand((), generator=generator)) - 1)
    cut = min(round(side / scale), *picture.shape[2:])
    top, left = (
        int(torch.randint(0, length - cut + 1, (), generator=generator))
        for length in picture.shape[2:]
    )
    square = picture[:, :, top : top + cut, left : left + cut]
    if cut == side:
        return square
    return F.interpolate(square, (side, side), mode="bilinear", align_corners=False, antialias=True)


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
    images = placed_as(preprocessing(gray.to(ground)), ground)
    if target is not None:
        chosen(model, answer(model, images), target)
    elif layer is not None:
        maps = maps_of(model, images, layer)
        if channel is not None:
            channel_of(maps, channel, layer)


def placed_as(images: Tensor, like: Tensor) -> Tensor:
    """Images in the precision of another tensor."""
    return images.to(like.dtype)
