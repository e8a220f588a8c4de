"""Products with a matrix whose rows each read only a few neighboring pixels of a line.

Smoothing and pooling along a line are such matrices. Their rows are kept in blocks, each with the
range of pixels that it reads; the zeros outside are never multiplied.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Banded:
    """A matrix (M, side), as blocks of rows; block i reads the pixels starts[i] : ends[i]."""

    blocks: tuple[Tensor, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, matrix: Tensor, *, rows: int, dtype: torch.dtype, device: torch.device) -> "Banded":
        """`matrix` (M, side) cut every `rows` rows, none of them empty."""
        blocks, starts, ends = [], [], []
        for block in matrix.to(device, dtype).split(rows):
            read = block.any(0).nonzero().flatten()
            starts.append(int(read[0]))
            ends.append(int(read[-1]) + 1)
            blocks.append(block[:, starts[-1] : ends[-1]].contiguous())
        return cls(tuple(blocks), tuple(starts), tuple(ends))

    def across(self, images: Tensor) -> Tensor:
        """Each row of images (..., H, side) times the matrix: (..., H, M)."""
        lines = images.reshape(-1, images.shape[-1])
        parts = zip(self.blocks, self.starts, self.ends, strict=True)
        products = [lines[:, start:end] @ block.T for block, start, end in parts]
        return torch.cat(products, 1).reshape(*images.shape[:-1], -1)

    def down(self, images: Tensor) -> Tensor:
        """Each column of images (N, side, W) times the matrix: (N, M, W)."""
        parts = zip(self.blocks, self.starts, self.ends, strict=True)
        return torch.cat([block @ images[:, start:end] for block, start, end in parts], 1)
