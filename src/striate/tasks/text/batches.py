"""Numbered texts to a network that answers them, so many at a time."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.inference import evaluating
from striate.inference.devices import device_of
from striate.layers.word_convolution import Laid, laid
from striate.models.kim import Kim

CPU = torch.device("cpu")
WORDS = 20_000  # of texts that are answered together, padding included


def logits_of(model: nn.Module, texts: Sequence[NDArray[np.int64]]) -> Tensor:
    """(N, classes) of any number of texts, in their order, on the CPU."""
    device = device_of(model)
    with evaluating(model):
        parts = [
            model(on(laid(some, Kim.longest - 1), device)).float().cpu() for some in in_parts(texts)
        ]
    return torch.cat(parts)


def in_parts(texts: Sequence[NDArray[np.int64]]) -> Iterator[Sequence[NDArray[np.int64]]]:
    """The same texts, so many at a time that memory is bounded."""
    some: list[NDArray[np.int64]] = []
    words = 0
    for text in texts:
        if some and words + len(text) + Kim.longest > WORDS:
            yield some
            some, words = [], 0
        some.append(text)
        words += len(text) + Kim.longest
    if some:
        yield some


def on(texts: Laid, device: torch.device) -> Laid:
    """The same on a device."""
    return texts if device == CPU else Laid(*(each.to(device) for each in texts))
