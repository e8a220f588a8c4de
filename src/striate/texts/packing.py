"""Words in a file of tensors: their bytes, one a line."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def packed(words: Sequence[str]) -> Tensor:
    """(bytes,) uint8 of words without line breaks.

    >>> unpacked(packed(["one", "n't"]))
    ('one', "n't")
    """
    data = "\n".join(words).encode("utf-8", "surrogatepass")
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy())


def unpacked(data: Tensor) -> tuple[str, ...]:
    """The words.

    Raises:
        ValueError: if they are not words, each once.
    """
    if data.dtype != torch.uint8 or data.ndim != 1:
        raise ValueError(f"its words are {tuple(data.shape)} {data.dtype}, not bytes")
    if not data.numel():
        return ()
    words = tuple(data.numpy().tobytes().decode("utf-8", "surrogatepass").split("\n"))
    if len(set(words)) != len(words):
        raise ValueError("one of its words stands there twice")
    return words
