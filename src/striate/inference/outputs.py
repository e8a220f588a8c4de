"""The outputs of a network for stored pixels: the one loop without gradients."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.inference.devices import device_of
from striate.inference.engines import Engines
from striate.inference.modes import evaluating
from striate.inference.preprocessing import Preprocessing
from striate.progress import Stage

BATCH = 64


def outputs_of(
    model: Callable[[Tensor], Tensor],
    preprocessing: Preprocessing,
    pixels: NDArray[np.uint8],
    *,
    batch_size: int = BATCH,
    bar: Stage | None = None,
) -> Tensor:
    """A model's outputs (N, ...), float32, for pixels (N, S, S, C) in its view, at least one; on
    the CPU, wherever the model is.

    Args:
        model: a network, which computes in evaluation mode, or anything that takes what one takes.
        bar: advanced with every batch.
    """
    device = torch.device("cpu")
    mode: AbstractContextManager[object] = nullcontext()
    if isinstance(model, nn.Module):
        device, mode = device_of(model), evaluating(model)
    elif isinstance(model, Engines):
        device = model.device
    parts = []
    with torch.no_grad(), mode:
        for first in range(0, len(pixels), batch_size):
            some = np.ascontiguousarray(pixels[first : first + batch_size])
            images = preprocessing.tensor(some, device)
            outputs = model(images.contiguous(memory_format=torch.channels_last))
            parts.append(outputs.float().cpu())
            if bar is not None:
                bar.advance(len(some))
    return torch.cat(parts)
