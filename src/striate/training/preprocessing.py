"""From stored pixels to what a network takes: the half of the way after `images.View`."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.images import View


@dataclass(frozen=True)
class Preprocessing:
    """A view of the picture, then (pixel - mean) / std per channel; saved with every recognizer.

    `mean` and `std` are in units of [0, 255], red first; `bgr` says that the network then reads
    blue, green, red.
    """

    view: View
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N, C, S, S) in [0, 255], uint8 or float, to normalized float32."""
        mean = torch.tensor(self.mean, device=images.device)[:, None, None]
        std = torch.tensor(self.std, device=images.device)[:, None, None]
        normalized = (images.float() - mean) / std
        return normalized.flip(1) if self.bgr else normalized

    def tensor(self, pixels: NDArray) -> Tensor:
        """Pixels (N, S, S, C) uint8, as `images.apply` makes them, to what the network takes."""
        return self(torch.from_numpy(pixels).permute(0, 3, 1, 2))

    @classmethod
    def measured(cls, view: View, pixels: NDArray, *, most: int = 2000) -> "Preprocessing":
        """The view with the mean and deviation of (up to `most` of) these pixels (N, S, S, C)."""
        some = pixels[:: max(1, len(pixels) // most)].astype("float32")
        mean, std = some.mean(axis=(0, 1, 2)), some.std(axis=(0, 1, 2)).clip(min=1.0)
        return cls(view, tuple(float(m) for m in mean), tuple(float(s) for s in std))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Preprocessing":
        """What `to_json` wrote, back.

        Raises:
            TypeError, KeyError, ValueError: if it is not of that form.
        """
        view = View(**values["view"])
        mean, std = (tuple(float(v) for v in values[name]) for name in ("mean", "std"))
        if not len(mean) == len(std) == view.channels or not all(value > 0 for value in std):
            raise ValueError(f"mean {mean} and std {std} do not fit {view.channels} channels")
        return cls(view, mean, std, bool(values["bgr"]))
