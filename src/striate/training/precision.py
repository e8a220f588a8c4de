"""Products in fewer bits than sums, where the hardware gains by it (Micikevicius et al. 2018)."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.amp import GradScaler

from striate.inference.devices import device_of

Precision = Literal["float32", "bfloat16", "float16"]
Losses = Callable[[Any], dict[str, Tensor]]


def in_precision(precision: Precision, losses: Losses, model: nn.Module) -> Losses:
    """The same losses, with the products of the network rounded to `precision`; weights stay."""
    if precision == "float32":
        return losses
    device, dtype = device_of(model).type, getattr(torch, precision)

    @wraps(losses)
    def rounded(batch: Any) -> dict[str, Tensor]:
        with torch.autocast(device, dtype):
            return losses(batch)

    return rounded


def scaler_for(precision: Precision, model: nn.Module) -> GradScaler | None:
    """float16 loses gradients below 6e-8: they are scaled up while they travel."""
    return GradScaler(device_of(model).type) if precision == "float16" else None
