"""From stored pixels to what a network takes: the half of the way after `images.View`."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
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
        std = torch.tensor(self.std, device=images.device)
        scale, shift = 1 / std, -torch.tensor(self.mean, device=images.device) / std
        pixels = images.permute(0, 2, 3, 1)  # (N, H, W, C)
        if pixels.is_contiguous():  # whole rows at a time: channels alone are too few to be quick
            rows = pixels.flatten(2).float()  # (N, H, W * C)
            width = images.shape[3]
            normalized = torch.addcmul(shift.repeat(width), rows, scale.repeat(width))
            normalized = normalized.view(pixels.shape).permute(0, 3, 1, 2)
        else:
            normalized = torch.addcmul(shift[:, None, None], images.float(), scale[:, None, None])
        return normalized.flip(1) if self.bgr else normalized

    def tensor(self, pixels: NDArray, device: torch.device | str = "cpu") -> Tensor:
        """Pixels (N, S, S, C) uint8, as `images.apply` makes them, to what the network takes."""
        return self(torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2))

    @classmethod
    def measured(cls, view: View, pixels: NDArray, *, most: int = 2000) -> "Preprocessing":
        """The view with the mean and deviation of (up to `most` of) these pixels (N, S, S, C)."""
        some = pixels[:: max(1, len(pixels) // most)]
        counts = np.zeros((some.shape[-1], 256), np.int64)
        for image in some:
            for channel, count in enumerate(counts):
                count += np.bincount(image[..., channel].ravel(), minlength=256)
        share, values = counts / counts.sum(1, keepdims=True), np.arange(256)
        mean = share @ values
        std = np.sqrt((share * (values - mean[:, None]) ** 2).sum(1)).clip(min=1.0)
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
