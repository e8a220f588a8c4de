"""Products in fewer bits than sums, where the hardware gains by it (Micikevicius et al. 2018)."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.amp import GradScaler

from striate.inference.devices import device_of

Rounded = Literal["float32", "bfloat16", "float16"]
Precision = Literal[Rounded, "auto"]
Losses = Callable[[Any], dict[str, Tensor]]


def precision_on(device: torch.device, precision: Precision) -> Rounded:
    """What "auto" is there: bfloat16 where products of it are computed as such, which takes about
    half of the time; elsewhere they would be computed in float32 after more copying."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        native = device.type == "cpu" and bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return "bfloat16" if native else "float32"


def rounding(precision: Precision, model: nn.Module) -> torch.autocast:
    """Inside the block, the products of the network are rounded to `precision`; weights stay."""
    device = device_of(model)
    chosen = precision_on(device, precision)
    if chosen == "float32":
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, getattr(torch, chosen))


def in_precision(precision: Precision, losses: Losses, model: nn.Module) -> Losses:
    """The same losses, with the products of the network rounded to `precision`."""
    if precision_on(device_of(model), precision) == "float32":
        return losses

    @wraps(losses)
    def rounded(batch: Any) -> dict[str, Tensor]:
        with rounding(precision, model):
            return losses(batch)

    return rounded


def scaler_for(precision: Precision, model: nn.Module) -> GradScaler | None:
    """float16 loses gradients below 6e-8: they are scaled up while they travel."""
    return GradScaler(device_of(model).type) if precision == "float16" else None
