"""The descent: a picture as a change of what it begins as, and L-BFGS on that."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

LOWEST = 4  # waves along a picture, below which changes weigh no more
HISTORY = 100  # pairs that L-BFGS remembers


class Change:
    """A picture (1, 3, H, W) as what it begins as, and the change from that which `values` stand
    for: of every frequency f of it f^(-1/2) as much. Low frequencies then need smaller numbers,
    as they do in natural pictures, and a descent reaches them sooner."""

    def __init__(self, begun: Tensor):
        rows, columns = begun.shape[2:]
        frequency = torch.hypot(torch.fft.fftfreq(rows)[:, None], torch.fft.rfftfreq(columns))
        gain = (frequency + LOWEST / max(rows, columns)) ** -0.5
        self.begun, self.size = begun, (rows, columns)
        self.gain = (gain / gain.mean()).to(begun)
        self.values = torch.zeros_like(begun, memory_format=torch.contiguous_format)
        self.values.requires_grad_()

    def __call__(self) -> Tensor:
        spectrum = torch.fft.rfft2(self.values, norm="ortho") * self.gain
        return self.begun + torch.fft.irfft2(spectrum, s=self.size, norm="ortho")


def minimized(
    change: Change, objective: Callable[[Tensor], Tensor], iterations: int
) -> Iterator[float]:
    """Steps of L-BFGS (Liu & Nocedal 1989) without a line search; yields the loss before each.

    What is minimized is the loss times the number of values, for the optimizer takes curvatures
    below a fixed size for rounding. Its first step, along the gradient, moves each value by 1 gray
    in the mean.
    """
    number = change.values.numel()
    optimizer = torch.optim.LBFGS(
        [change.values],
        lr=number,
        max_iter=1,
        history_size=HISTORY,
        tolerance_grad=0,
        tolerance_change=0,
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        total = number * objective(change())
        total.backward()
        return total

    for _ in range(iterations):
        yield float(optimizer.step(loss).detach()) / number
        optimizer.param_groups[0]["lr"] = 1.0


def beginning(photo: Tensor, start: str, seed: int) -> Tensor:
    """The picture before the first step."""
    if start == "photo":
        return photo
    generator = torch.Generator().manual_seed(seed)
    return 127.5 + 32 * torch.randn(photo.shape, generator=generator).to(photo)
