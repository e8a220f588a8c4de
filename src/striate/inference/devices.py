"""Where networks compute: the device that a person names, or the fastest that torch can use."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from striate.errors import UserError

AUTO = "auto"
_chosen: ContextVar[torch.device | None] = ContextVar("device", default=None)


def device_named(name: str | torch.device) -> torch.device:
    """The device called "cpu", "cuda", "cuda:1" or "mps"; for "auto" the fastest there is.

    Raises:
        UserError: if torch knows no such device, or this machine does not have it.
    """
    if isinstance(name, torch.device):
        return name
    if name == AUTO:
        return automatic()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"--device {name}: expected auto, cpu, cuda, cuda:N or mps") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise UserError(f"--device {name}: torch finds {count or 'no'} CUDA devices here")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError(f"--device {name}: torch finds no Metal device here")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UserError(f"--device {name}: expected auto, cpu, cuda, cuda:N or mps")
    return device


def automatic() -> torch.device:
    """A GPU where torch can use one, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@contextmanager
def on_device(name: str | torch.device) -> Iterator[torch.device]:
    """Inside the block `fastest_device` is this one: what learns or answers there computes on it.

    Raises:
        UserError: as `device_named`.
    """
    device = device_named(name)
    before = _chosen.set(device)
    try:
        yield device
    finally:
        _chosen.reset(before)


def fastest_device() -> torch.device:
    """The device chosen by `on_device`; else a GPU where torch can use one, or the CPU."""
    return _chosen.get() or automatic()


def device_of(model: nn.Module) -> torch.device:
    """Where a network computes."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """A tensor of the CPU on another device. A GPU fetches it from page-locked memory by itself, in
    its turn, while this process prepares what comes next."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
