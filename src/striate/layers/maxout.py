"""Maxout (Goodfellow et al. 2013, arXiv:1302.4389): a unit is the largest of some linear ones."""

from torch import Tensor, nn


class Maxout(nn.Module):
    """Vectors (N, inputs) to (N, units), each the largest of `pieces` linear functions."""

    def __init__(self, inputs: int, units: int, *, pieces: int = 5):
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(inputs, units * pieces)

    def forward(self, vectors: Tensor) -> Tensor:
        return self.linear(vectors).unflatten(1, (-1, self.pieces)).amax(2)

    def extra_repr(self) -> str:
        return f"pieces={self.pieces}"
