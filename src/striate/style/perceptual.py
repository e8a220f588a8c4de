"""The sum that is minimized: how far pictures are from photographs and from paintings, as a network
sees them that was trained to recognize things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.models import Normalization
from striate.style.losses import content_loss, gram, style_loss, total_variation
from striate.style.perception import Perception


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


class PerceptualLoss:
    """Losses of a batch of pictures (N, 3, H, W) in [0, 255].

    Args:
        perception: its layers are those of the losses.
        content: which of them keep the photograph.
        style: which of them keep what `paint` was given; None: all others.
    """

    def __init__(
        self,
        perception: Perception,
        normalization: Normalization,
        content: Sequence[str],
        weights: Weights,
        *,
        style: Sequence[str] | None = None,
    ):
        self.perception, self.normalization = perception, normalization
        self.content, self.weights = tuple(content), weights
        others = (layer for layer in perception.layers if layer not in self.content)
        self.style = tuple(others if style is None else style)
        self.painted: list[tuple[str, Tensor, Tensor | None]] = []

    @torch.no_grad()
    def paint(self, painting: Tensor, shares: Mapping[str, Tensor] | None = None) -> None:
        """Adds a painting (1, 3, H, W) to those whose style is wanted.

        Args:
            shares: of each layer, (h, w), what its places count for (see `losses.gram`).
        """
        for layer, maps in self.maps(painting, self.style).items():
            self.painted.append((layer, gram(maps), None if shares is None else shares[layer]))

    @torch.no_grad()
    def of_photographs(self, photos: Tensor) -> dict[str, Tensor]:
        """What is to be kept of photographs (N, 3, H, W): their maps of the content's layers."""
        return self.maps(photos, self.content)

    def maps(self, pictures: Tensor, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
        """The maps of every layer that a loss reads, or of some of them."""
        return self.perception(self.normalization(pictures), layers)

    def __call__(self, pictures: Tensor, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each loss (N,) by name, as much as it weighs: "content", "style", "variation".

        Args:
            kept: as `of_photographs` gave it, picture for picture.
        """
        maps, weights = self.maps(pictures), self.weights
        content = [content_loss(maps[layer], wanted) for layer, wanted in kept.items()]
        style = [style_loss(maps[layer], wanted, shares) for layer, wanted, shares in self.painted]
        found = {
            "content": weights.content * torch.stack(content).sum(0),
            "style": weights.style * torch.stack(style).mean(0),
        }
        if weights.variation:
            found["variation"] = weights.variation * total_variation(pictures / 255)
        return found
