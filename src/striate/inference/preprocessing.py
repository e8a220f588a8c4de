"""From stored pixels to what a network takes: the half of the way after `images.View`."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.images import View
from striate.inference.devices import sent
from striate.models import Normalization

MAX_SIDE = 8192  # pixels of a view in a file; no network here reads more


@dataclass(frozen=True)
class Preprocessing:
    """A view of the picture, and what the network expects of its pixels."""

    view: View
    normalization: Normalization

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N, C, S, S) in [0, 255], uint8 or float, to normalized float32."""
        return self.normalization(images)

    def tensor(self, pixels: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
        """Pixels (N, S, S, C) uint8, as `images.apply` makes them, to what the network takes."""
        return self(sent(torch.from_numpy(pixels), device).permute(0, 3, 1, 2))

    @classmethod
    def measured(cls, view: View, pixels: NDArray[np.uint8]) -> Self:
        """The view, normalized by mean and deviation of these pixels (N, S, S, C) in it."""
        return cls(view, Normalization.measured(pixels))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` gave, back.

        Raises:
            TypeError, LookupError, ValueError: if it is not of that form.
        """
        view = View(**values["view"])
        if view.size > MAX_SIDE:
            raise ValueError(f"it wants pictures of {view.size:,} pixels a side")
        return cls(view, Normalization.from_json(values["normalization"], channels=view.channels))
