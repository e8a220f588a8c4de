"""The gradient of a batch, in as many parts as memory asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from striate.errors import UserError

Batch = TypeVar("Batch")


@runtime_checkable
class Divisible(Protocol):
    """A batch that can be learned from piece by piece."""

    def __len__(self) -> int: ...

    def parts(self, count: int) -> Sequence[Any]:
        """The batch in `count` parts as equal as can be, in order; each is a batch too."""


@runtime_checkable
class Weighted(Protocol):
    """A batch whose losses are means over something else than its examples."""

    @property
    def weight(self) -> float:
        """How many those are: words, boxes, pixels that are marked."""


def share_of(part: Divisible, whole: Divisible) -> float:
    """What a part counts of the batch, so that the losses of all parts add up to its own."""
    if isinstance(part, Weighted) and isinstance(whole, Weighted) and whole.weight:
        return part.weight / whole.weight
    return len(part) / len(whole)


@dataclass
class Parts:
    """In how many parts a batch goes through the network: what memory was found to hold."""

    count: int = 1


Look = Callable[[Batch, float], dict[str, Tensor]]
"""Adds the gradient of a part, times its share of the batch; the part's named losses, detached."""


def accumulate(
    look: Look[Batch], batch: Batch, parts: Parts, *, reset: Callable[[], None], alone: bool = True
) -> dict[str, Tensor]:
    """Looks at a batch part by part; the losses are the means over it, as if it had been one.

    Where memory runs out the parts are halved, for this batch and all that follow, until one image
    is too much: so the batch size may be what learning asks for, and finds its own way. Batch
    normalization sees the parts, not the batch.

    Args:
        reset: forgets the gradients gathered so far, before the batch is begun again.
        alone: nobody has been sent a part of the gradient; else a batch cannot be begun again.

    Raises:
        UserError: if parts are asked for of a batch that has none.
    """
    while True:
        try:
            if parts.count == 1:
                return look(batch, 1.0)
            if not isinstance(batch, Divisible):
                raise UserError("this method learns from whole batches; leave out --set parts")
            return _by_parts(look, batch, parts.count)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            whole = len(batch) if isinstance(batch, Divisible) else 1
            if not ran_out(error) or parts.count >= whole or not alone:
                raise
            parts.count = min(whole, 2 * parts.count)
        reset()  # outside the handler, whose traceback would keep the lost step's memory alive
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _by_parts(look: Look[Any], batch: Divisible, count: int) -> dict[str, Tensor]:
    losses: dict[str, Tensor] = {}
    for part in batch.parts(min(count, len(batch))):
        share = share_of(part, batch)
        for name, loss in look(part, share).items():
            losses[name] = losses.get(name, torch.zeros_like(loss)) + share * loss
    return losses


def ran_out(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error)
    return "not enough memory" in words or "can't allocate memory" in words
