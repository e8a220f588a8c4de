"""Adadelta (Zeiler 2012, arXiv:1212.5701) that touches, of a table, only the rows of a batch.

A row without a gradient does not move, and its two averages fade by `rho` a step. What it missed is
made up for when it has a gradient again, so that the table learns as with torch's own Adadelta.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class Adadelta(Optimizer):
    """For dense and sparse gradients.

    Args:
        rho: by which averages fade, a step.
        epsilon: added below the roots.
        norm: for groups of matrices: the rows' length, at most, after each step (Hinton et al.
            2012); None: any.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        *,
        lr: float = 1.0,
        rho: float = 0.95,
        epsilon: float = 1e-6,
        norm: float | None = None,
    ):
        super().__init__(parameters, {"lr": lr, "rho": rho, "epsilon": epsilon, "norm": norm})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        with torch.enable_grad():
            loss = None if closure is None else closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["step"] = torch.zeros(())
                    state["squares"] = torch.zeros_like(parameter)
                    state["moves"] = torch.zeros_like(parameter)
                    if parameter.grad.is_sparse:
                        state["last"] = parameter.new_zeros(len(parameter))
                state["step"] += 1
                if parameter.grad.is_sparse:
                    _rows(parameter, state, group)
                else:
                    move = _moved(state["squares"], state["moves"], parameter.grad, group)
                    parameter.sub_(move, alpha=group["lr"])
                if group["norm"] is not None:
                    lengths = parameter.norm(dim=1, keepdim=True)
                    parameter.mul_((group["norm"] / lengths.clamp(min=1e-12)).clamp(max=1))
        return loss


def _rows(parameter: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
    """A step of the rows that have a gradient."""
    assert parameter.grad is not None
    gradient = parameter.grad.coalesce()
    rows = gradient.indices()[0]
    missed = float(state["step"]) - 1 - state["last"][rows]  # whole numbers, exact to 2^24
    faded = (group["rho"] ** missed)[:, None]
    squares, moves = state["squares"][rows] * faded, state["moves"][rows] * faded
    move = _moved(squares, moves, gradient.values(), group)
    parameter.index_add_(0, rows, move, alpha=-group["lr"])
    state["squares"][rows], state["moves"][rows] = squares, moves
    state["last"][rows] = float(state["step"])


def _moved(squares: Tensor, moves: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
    """How far to go (Algorithm 1); both averages are changed in place."""
    rho, epsilon = group["rho"], group["epsilon"]
    squares.mul_(rho).addcmul_(gradient, gradient, value=1 - rho)
    move = (moves + epsilon).sqrt_().div_((squares + epsilon).sqrt_()).mul_(gradient)
    moves.mul_(rho).addcmul_(move, move, value=1 - rho)
    return move
