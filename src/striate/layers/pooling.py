"""Pooling whose windows may overlap, with the padding rules of the lectures.

    valid   no padding:                                    floor((W - n) / s) + 1
    same    windows centered on pixels 0, s, 2s, ...:      floor((W - 1) / s) + 1
    p       p pixels on each side:                         floor((W + 2p - n) / s) + 1

Padding never counts: a maximum overlooks it, and an average divides by the pixels that are there.
TensorFlow's "same" gives as many outputs as ours; but it spreads the padding evenly over both ends
of the map, so with an even stride its windows may lie a pixel further on.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError

Kind = Literal["max", "average"]
Padding = int | Literal["valid", "same"]


class Pool2d(nn.Module):
    """The largest or the mean of each window; windows overlap where the stride is below the size.

    Args:
        size: height and width of a window.
        kind: "max" or "average".
        stride: from window to window; by default the size, so that none overlap.
        padding: "valid", "same" or a number of pixels less than `size`; see above.

    Raises:
        ModelError: another kind or padding; in `forward`, maps that are smaller than a window.
    """

    def __init__(
        self,
        size: int,
        *,
        kind: Kind = "max",
        stride: int | None = None,
        padding: Padding = "valid",
    ):
        super().__init__()
        if kind not in ("max", "average"):
            raise ModelError(f"pooling takes the 'max' or the 'average', not {kind!r}")
        self.kernel_size, self.kind, self.padding = size, kind, padding
        self.stride = stride or size
        self.before, self.after = margins(size, padding)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, rows, columns)."""
        size, stride, before, after = self.kernel_size, self.stride, self.before, self.after
        if min(maps.shape[-2:]) + before + after < size:
            raise ModelError(
                f"maps of {maps.shape[-2]} x {maps.shape[-1]} are too small to pool by {size}"
            )
        if before == after <= size // 2:  # torch pads these itself, without a copy
            if self.kind == "max":
                return F.max_pool2d(maps, size, stride, before)
            return F.avg_pool2d(maps, size, stride, before, count_include_pad=False)
        around = (before, after, before, after)
        if self.kind == "max":
            return F.max_pool2d(F.pad(maps, around, value=-torch.inf), size, stride)
        there = F.pad(maps.new_ones(1, 1, *maps.shape[-2:]), around)
        totals = F.avg_pool2d(F.pad(maps, around), size, stride)
        return totals / F.avg_pool2d(there, size, stride)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, kind={self.kind}, stride={self.stride}, padding={self.padding}"


def margins(size: int, padding: Padding) -> tuple[int, int]:
    """Pixels to add before and after a side. An even "same" window reaches one further forward."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        return (size - 1) // 2, size // 2
    if padding not in range(size):
        raise ModelError(
            f"padding must be 'valid', 'same' or 0 to {size - 1} pixels, not {padding!r}"
        )
    return padding, padding
