"""How likely a Boltzmann machine holds what it sees: its partition function, exact or estimated."""

import math
from copy import deepcopy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ModelError
from striate.models.rbm import LOG_TWO_PI, RBM

LOG_TWO = math.log(2.0)
MOST = 20  # units whose states are all added up


def log_partition(machine: RBM) -> float:
    """The logarithm of the partition function, all states of the hidden units added up.

    Raises:
        ModelError: if there are more than MOST hidden units, or they are real-valued.
    """
    count = len(machine.hidden_bias)
    if count > MOST or machine.linear:
        raise ModelError(
            f"only the states of {MOST} logistic hidden units or fewer can be added up, not of "
            f"{count}; estimate it with annealed"
        )
    with torch.no_grad():
        numbers = torch.arange(2**count, device=machine.weight.device)[:, None]
        states = (numbers >> torch.arange(count, device=machine.weight.device)) & 1
        hidden = states.to(machine.weight.dtype)  # (2 ** H, H)
        terms = hidden @ machine.hidden_bias + _seen(machine, hidden @ machine.weight)
        return float(terms.logsumexp(0))


def _seen(machine: RBM, pull: Tensor) -> Tensor:
    """(N,) the logarithm of the sum, or integral, over all visible states of exp(-E), for hidden
    units that pull (N, V) at them."""
    bias = machine.visible_bias
    if machine.gaussian:  # of exp(-(v - a)^2 / 2 + vp): the square completed
        return (pull * (0.5 * pull + bias)).sum(1) + 0.5 * len(bias) * LOG_TWO_PI
    rest = len(bias) - machine.labels
    found = F.softplus((pull + bias)[:, :rest]).sum(1)
    return found + (pull + bias)[:, rest:].logsumexp(1) if machine.labels else found


class Annealed(NamedTuple):
    """An estimate of the logarithm of the partition function.

    Attributes:
        low, high: of its mean over the chains give or take three standard errors, as in the paper;
            -inf where the error is as large as the mean.
    """

    value: float
    low: float
    high: float


def annealed(
    machine: RBM, *, mean: Tensor | None = None, chains: int = 100, temperatures: int = 1000
) -> Annealed:
    """The partition function by annealed importance sampling (Salakhutdinov & Murray 2008, ICML).

    Chains go from a machine without weights, whose partition function is known, to this one in many
    small steps, and are weighted by what is gained at each.

    Args:
        mean: (V,) of what was learned from: the first machine then has these means; else this
            machine's biases.
        temperatures: from the one machine to the other.
    """
    if machine.linear:
        raise ModelError("annealed takes machines of logistic hidden units, not real-valued ones")
    weight, bias = machine.weight.detach(), machine.hidden_bias.detach()
    now = deepcopy(machine).requires_grad_(False)  # at a temperature
    if mean is not None:
        now.begin(mean.to(weight))
    start, end = now.visible_bias.clone(), machine.visible_bias.detach()
    begun = _seen(now, torch.zeros_like(start)[None]) + len(bias) * LOG_TWO
    now.weight.zero_()
    now.hidden_bias.zero_()
    visible = now.visible_states(now.dreamed(weight.new_zeros(chains, len(bias))))
    gains = begun.double().repeat(chains)
    for share in torch.linspace(0, 1, temperatures + 1, dtype=torch.float64)[1:].tolist():
        gains += now.free_energy(visible)
        now.weight.copy_(weight).mul_(share)
        now.hidden_bias.copy_(bias).mul_(share)
        now.visible_bias.copy_(start).lerp_(end, share)
        gains -= now.free_energy(visible)
        visible = now.gibbs(visible, 1)
    value = float(gains.logsumexp(0)) - math.log(chains)
    shares = (gains - gains.max()).exp()
    error = float(shares.std() / shares.mean()) / chains**0.5  # of the mean, as a share of it
    low = value + math.log1p(-3 * error) if 3 * error < 1 else -math.inf
    return Annealed(value, low, value + math.log1p(3 * error))
