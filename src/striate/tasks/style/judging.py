"""What a painted photograph is judged by, and what networks that paint learn from: the perceptual
loss of Johnson et al. 2016 (Equation 5), relative as all losses of `striate.style`.

The layers are theirs: of VGG-16 the style is that of relu1_2, relu2_2, relu3_3 and relu4_3, the
content that of relu3_3 (their program; the last convolution before each of the first four
poolings, and the third of those, in any VGG).
"""

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from striate.errors import ImageError, UserError, WeightsError
from striate.files import by_content
from striate.images import View, read, resized
from striate.inference import fastest_device
from striate.models import Stages, create
from striate.models.skeletons import undrawn
from striate.style import Perception, PerceptualLoss, Weights, transfer
from striate.style.pictures import check_painting, scaled_size, tensor_of
from striate.tasks.backbones import find_weights, normalization_for, trained_weights
from striate.tasks.contract import Ask
from striate.tasks.style.answers import Judged, Pixels
from striate.tasks.style.choices import Choices

NETWORKS = ("vgg16", "vgg19", "vgg13", "vgg11")
SIDE = 192  # pixels of the squares that photographs are judged in
VIEW = View(SIDE, fit="crop", fraction=1.0)
PAINTING = 256  # pixels of a painting's longer side, as in the paper
POOLINGS, CONTENT = 4, 2  # groups of layers whose last is one of the style; which is the content


@dataclass(frozen=True)
class Judging:
    """How painters are judged, but for the painting.

    Attributes:
        network: that looks at pictures.
        weights: of it: a published name; "sha256 ..." of a file; None: random ones.
        style, variation: as `Choices` has them.
    """

    network: str
    weights: str | None
    style: float
    variation: float

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` turns back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Judging":
        """What `to_json` gave, after JSON.

        Raises:
            TypeError, LookupError, ValueError: if it is not of that form.
        """
        found = cls(values["network"], values["weights"], float(values["style"]),
                    float(values["variation"]))  # fmt: skip
        if found.network not in NETWORKS or not isinstance(found.weights, str | None):
            raise ValueError(f"it is judged by {found.network!r} with {found.weights!r}")
        return found


class Judge:
    """The losses of one painting.

    Args:
        painting: (H, W, 3) uint8, the longer side PAINTING.
        weights: as `striate.models.create` takes them.
    """

    def __init__(self, judging: Judging, painting: Pixels, weights: str | Path | None):
        self.judging, self.painting = judging, painting
        # What is cut off needs no numbers; where the weights are random, they are always the same.
        with torch.random.fork_rng(), nullcontext() if weights is None else undrawn():
            torch.manual_seed(0)
            network = create(judging.network, weights=weights)
        assert isinstance(network, Stages)
        content, style = layers_of(network)
        device = fastest_device()
        self.loss = PerceptualLoss(
            Perception(network, (*style, *content)).to(device),
            normalization_for(judging.network, weights),
            content,
            Weights(style=judging.style, variation=judging.variation),
            style=style,
        )
        self.loss.paint(tensor_of(painting).to(device))

    @torch.no_grad()
    def __call__(self, photo: Pixels, painted: Pixels) -> Judged:
        """Two pictures of one size."""
        device = fastest_device()
        before, after = (tensor_of(pixels).to(device) for pixels in (photo, painted))
        kept = self.loss.of_photographs(before)
        ours, plain = self.loss(after, kept), self.loss(before, kept)
        return Judged(float(ours["content"]), float(ours["style"]), float(plain["style"]))

    def descended(self, photo: Pixels, iterations: int) -> Pixels:
        """What L-BFGS makes of a photograph (Gatys et al. 2016) by the same losses, at its size."""
        return transfer(
            photo, [self.painting], self.loss.perception, self.loss.normalization,
            content=self.loss.content, style=self.loss.style, size=max(photo.shape[:2]),
            painting_size=PAINTING, iterations=iterations, weights=self.loss.weights,
        ).picture  # fmt: skip


def layers_of(network: Stages) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layers of content and style: those before poolings."""
    stages = list(network.stages())
    last = [
        stages[place - 1][0]
        for place, (_, stage) in enumerate(stages)
        if isinstance(stage, nn.MaxPool2d)
    ][:POOLINGS]
    return (last[CONTENT],), tuple(last)


def painting_of(ask: Ask) -> Pixels:
    """The painting that a person names, its longer side PAINTING.

    Raises:
        UserError: if none is named, or it is too small.
        ImageError: if it cannot be read.
    """
    path = ask.own.get("painting")
    if path is None:
        raise UserError("name the painting in whose style to paint: --painting FILE")
    try:
        pixels = read(path)
    except ImageError as error:
        raise ImageError(f"--painting {path}: {error}") from error
    check_painting(pixels)
    return np.array(resized(pixels, *scaled_size(pixels, PAINTING)))


def find(ask: Ask) -> None:
    """Sees before any work that painting and weights can be had.

    Raises:
        UserError, ImageError, MissingExtra, WeightsError, UnknownName: if not.
    """
    painting_of(ask)
    find_weights(NETWORKS[0], ask)


def judge_of(ask: Ask) -> Judge:
    """What a person asks for."""
    network = ask.network or NETWORKS[0]
    weights = trained_weights(network, ask.weights)
    choices = ask.choices
    assert isinstance(choices, Choices)
    judging = Judging(network, by_content(weights), choices.style, choices.variation)
    return Judge(judging, painting_of(ask), weights)


def judge_again(judging: Judging, painting: Pixels, weights: Path | None) -> Judge:
    """What a painter was judged by when it learned.

    Args:
        weights: the file, where they are none of a published name.

    Raises:
        WeightsError: if the file is needed and not given, or another one.
    """
    if judging.weights is None or not judging.weights.startswith("sha256 "):
        return Judge(judging, painting, judging.weights)
    if weights is None:
        raise WeightsError(
            f"it was judged by {judging.network} with weights of a file; name it: --weights FILE"
        )
    if by_content(weights) != judging.weights:
        raise WeightsError(f"{weights} holds other weights than it was judged by")
    return Judge(judging, painting, weights)
