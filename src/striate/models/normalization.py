"""What networks expect of a pixel."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Normalization:
    """What a network expects of a pixel: (value - mean) / std, values from 0 to 255.

    mean and std are in RGB order; `bgr` says that the network then reads blue, green, red. A
    std that is negative in all channels turns bright and dark round.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) in [0, 255], uint8 or float, to normalized float32."""
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

    @classmethod
    def measured(cls, pixels: NDArray[np.uint8], *, most: int = 2000) -> Self:
        """By mean and deviation of (up to `most` of) these pixels (N, H, W, C)."""
        some = pixels[:: max(1, len(pixels) // most)]
        counts = np.zeros((some.shape[-1], 256), np.int64)
        for image in some:
            for channel, count in enumerate(counts):
                count += np.bincount(image[..., channel].ravel(), minlength=256)
        share, values = counts / counts.sum(1, keepdims=True), np.arange(256)
        mean = share @ values
        std = np.sqrt((share * (values - mean[:, None]) ** 2).sum(1)).clip(min=1.0)
        return cls(tuple(float(m) for m in mean), tuple(float(s) for s in std))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any], *, channels: int = 3) -> Self:
        """What `to_json` gave, back.

        Raises:
            TypeError, LookupError, ValueError: if it is not of that form, or of so many channels.
        """
        mean, std = (tuple(float(value) for value in values[name]) for name in ("mean", "std"))
        if not len(mean) == len(std) == channels:
            raise ValueError(f"mean {mean} and std {std} do not fit {channels} channels")
        if not all(map(math.isfinite, mean + std)) or min(std) <= 0 <= max(std):
            raise ValueError(f"its pixels are normalized by mean {mean} and std {std}")
        if not isinstance(values["bgr"], bool):
            raise TypeError(f"its bgr is {values['bgr']!r}")
        return cls(mean, std, values["bgr"])
