"""A convolution over words and its maximum over time (Kim 2014, Equations 2 and 3), word by word.

A window's value is a sum of products, one a word. So each distinct word of a batch is projected
once for every place in a window, and a window is a sum of rows of that table: no product is
computed twice, none for padding. The gradient of a maximum reaches as many words as a window has.

Texts of any lengths lie one after the other in one row of numbers, with zeros between them that are
the padding of both neighbors; there is no padding beyond that.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

MAX = 2  # torch.embedding_bag's number for a maximum


class Laid(NamedTuple):
    """B texts one after the other.

    Attributes:
        words: (U,) int64, the distinct words, ascending; 0 is padding and comes first.
        places: (N + pad,) int64, which of those stands where; before each text, and at the end,
            `pad` zeros.
        starts: (B,) int64, where the padding before each text begins.
    """

    words: Tensor
    places: Tensor
    starts: Tensor

    def of(self, low: int, high: int, *, pad: int) -> "Laid":
        """The texts from `low` up to `high`, laid with the same `pad`."""
        first = int(self.starts[low])
        end = int(self.starts[high]) if high < len(self.starts) else len(self.places) - pad
        used, places = self.places[first : end + pad].unique(return_inverse=True)
        return Laid(self.words[used], places, self.starts[low:high] - first)


def laid(texts: Sequence[NDArray[np.int64]], pad: int) -> Laid:
    """Texts as their words' numbers, each above 0, one after the other.

    Args:
        pad: one less than the longest window.
    """
    lengths = np.array([len(text) + pad for text in texts], np.int64)
    ends = np.cumsum(lengths)
    numbers = np.zeros(int(ends[-1]) + pad, np.int64)
    for text, end in zip(texts, ends.tolist(), strict=True):
        numbers[end - len(text) : end] = text
    words, places = np.unique(np.append(numbers, 0), return_inverse=True)
    return Laid(
        torch.from_numpy(words),
        torch.from_numpy(places[:-1].astype(np.int64)),
        torch.from_numpy(ends - lengths),
    )


def strongest(vectors: Tensor, weight: Tensor, places: Tensor, starts: Tensor) -> Tensor:
    """(B, maps) the largest product of each filter with a window of each text, at least 0.

    A window of padding alone, whose product is 0, counts for every text.

    Args:
        vectors: (U, D) of the distinct words, row 0 zeros.
        weight: (maps, h, D) filters over h words.
        places, starts: as `Laid` has them, laid with a pad of h - 1 or more.
    """
    return _Strongest.apply(vectors, weight, places, starts)


class _Strongest(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, vectors: Tensor, weight: Tensor, places: Tensor, starts: Tensor
    ) -> Tensor:
        products = windows(vectors, weight, places)  # (windows, maps)
        every = torch.arange(len(products), device=products.device)
        largest, _, _, chosen = torch.embedding_bag(products, every, starts, mode=MAX)
        chosen = torch.where(largest > 0, chosen, -1)
        ctx.save_for_backward(vectors, weight, places, chosen)
        return largest.clamp_(min=0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        vectors, weight, places, chosen = ctx.saved_tensors
        maps, length, size = weight.shape
        rows, columns = torch.nonzero(chosen >= 0, as_tuple=True)
        first = chosen[rows, columns]
        flow = gradient[rows, columns]
        table = vectors.new_zeros(len(vectors) * length * maps)  # of the projected words
        for place in range(length):
            word = places[first + place]
            table.scatter_add_(0, (word * length + place) * maps + columns, flow)
        table = table.view(len(vectors), length * maps)
        to_vectors = to_weight = None
        if ctx.needs_input_grad[0]:
            to_vectors = table @ by_place(weight).T
            to_vectors[0] = 0
        if ctx.needs_input_grad[1]:
            found = vectors.T @ table  # (D, h * maps)
            to_weight = found.view(size, length, maps).permute(2, 1, 0)
        return to_vectors, to_weight, None, None


def by_place(weight: Tensor) -> Tensor:
    """(D, h * maps) of filters (maps, h, D): what each word is multiplied with."""
    return weight.permute(2, 1, 0).reshape(weight.shape[2], -1)


def windows(vectors: Tensor, weight: Tensor, places: Tensor) -> Tensor:
    """(windows, maps) the product of every filter with every window, in order."""
    maps, length, _ = weight.shape
    table = (vectors @ by_place(weight)).view(-1, maps)  # (U * h, maps)
    rows = places.unfold(0, length, 1) * length + torch.arange(length, device=places.device)
    return F.embedding_bag(rows, table, mode="sum")
