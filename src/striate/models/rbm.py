"""Restricted Boltzmann machines (Smolensky 1986; Hinton 2002, Neural Computation 14:1771).

Visible and hidden units, each of them joined to all of the other kind and to none of its own, with
the energy of a pair of states

    E(v, h) = - v'a - h'b - h'Wv      (logistic units: states 0 and 1)

in which a real-valued unit of variance 1 has (v - a)^2 / 2 in place of - va. What is likely has
little energy. Learning makes what was seen likelier, and what the machine would rather see less
likely; how it finds that out is Gibbs sampling, a few steps from what was seen (contrastive
divergence) or on and on (persistent; Tieleman 2008).
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RBM(nn.Module):
    """Visible (N, V) and hidden (N, H) units.

    Args:
        gaussian: whether visible units are real numbers of variance 1, or logistic.
        linear: whether hidden units are real numbers of variance 1, as in the code of an
            autoencoder, or logistic.
        labels: so many of the visible units, the last ones, are a softmax: one of them is on.
        steps: of Gibbs sampling from what is seen to what is dreamed of.
        chains: that go on from one update to the next, as the buffer `chains`; with 0, each begins
            at what is seen.
    """

    chains: Tensor

    def __init__(
        self, visible: int, hidden: int, *, gaussian: bool = False, linear: bool = False,
        labels: int = 0, steps: int = 1, chains: int = 0,
    ):  # fmt: skip
        if gaussian and labels:
            raise ValueError("labels are joined to logistic visible units, not to real-valued ones")
        super().__init__()
        self.gaussian, self.linear, self.labels, self.steps = gaussian, linear, labels, steps
        self.weight = nn.Parameter(torch.randn(hidden, visible) * 0.01)
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.visible_bias = nn.Parameter(torch.zeros(visible))
        self.register_buffer("chains", self._begun(chains))

    def _begun(self, count: int) -> Tensor:
        """States (count, V) to begin chains at."""
        seen = torch.zeros(count, len(self.visible_bias))
        if self.labels:
            seen[:, -self.labels] = 1.0
        return seen

    def begin(self, mean: Tensor) -> None:
        """Gives every visible unit the bias with which, alone, it has this mean (V,); of logistic
        ones kept from 0 and 1 (Hinton 2010, Section 8.1)."""
        with torch.no_grad():
            share = mean.clamp(0.01, 0.99)
            found = mean if self.gaussian else share.logit()
            if self.labels:
                found = torch.cat([found[: -self.labels], share[-self.labels :].log()])
            self.visible_bias.copy_(found)

    def free_energy(self, visible: Tensor) -> Tensor:
        """(N,): minus the logarithm of the probability, up to the partition function's."""
        excited = F.linear(visible, self.weight, self.hidden_bias)
        if self.linear:
            hidden = 0.5 * (excited**2 - self.hidden_bias**2).sum(1)
            hidden = hidden + 0.5 * len(self.hidden_bias) * LOG_TWO_PI
        else:
            hidden = F.softplus(excited).sum(1)
        if self.gaussian:
            return 0.5 * ((visible - self.visible_bias) ** 2).sum(1) - hidden
        return -(visible @ self.visible_bias) - hidden

    def forward(self, visible: Tensor) -> Tensor:
        """(N, H) means of the hidden units; of logistic ones that is their probability."""
        found = F.linear(visible, self.weight, self.hidden_bias)
        return found if self.linear else found.sigmoid()

    def dreamed(self, hidden: Tensor) -> Tensor:
        """(N, V) means of the visible units where the hidden ones are given."""
        found = F.linear(hidden, self.weight.T, self.visible_bias)
        if self.gaussian:
            return found
        if not self.labels:
            return found.sigmoid()
        rest, labels = found[:, : -self.labels], found[:, -self.labels :]
        return torch.cat([rest.sigmoid(), labels.softmax(1)], 1)

    def hidden_states(self, means: Tensor) -> Tensor:
        """States (N, H) drawn from these means."""
        return means + torch.randn_like(means) if self.linear else drawn(means)

    def visible_states(self, means: Tensor) -> Tensor:
        """States (N, V) drawn from these means."""
        if self.gaussian:
            return means + torch.randn_like(means)
        if not self.labels:
            return drawn(means)
        rest, labels = means[:, : -self.labels], means[:, -self.labels :]
        return torch.cat([drawn(rest), one_of(labels)], 1)

    def gibbs(self, visible: Tensor, steps: int, *, labels: Tensor | None = None) -> Tensor:
        """States (N, V) after so many steps of Gibbs sampling, hidden units and then visible ones.

        Args:
            labels: (N, labels) at which those units are held.
        """
        with torch.no_grad():
            for _ in range(steps):
                hidden = self.hidden_states(self(visible))
                visible = self.visible_states(self.dreamed(hidden))
                if labels is not None:
                    visible = torch.cat([visible[:, : -self.labels], labels], 1)
        return visible

    def losses(self, visible: Tensor) -> dict[str, Tensor]:
        """One step of contrastive divergence, as a number whose gradient is that of `free_energy`,
        what is seen minus what is dreamed of.

        With one step from what is seen, the number is the squared error, a case, of what is dreamed
        of: hidden units are drawn once, and the visible ones taken at their mean (Hinton 2010,
        Section 3). With more, or with chains that go on, all units are drawn, and the number is how
        much more free energy has what is seen.
        """
        with torch.no_grad():
            hidden = self(visible)
            if self.steps == 1 and not len(self.chains):
                other = self.dreamed(self.hidden_states(hidden))
                value = {"reconstruction": (other - visible).square_().sum() / len(visible)}
            else:
                other = self.gibbs(self.chains if len(self.chains) else visible, self.steps)
                if len(self.chains):
                    self.chains.copy_(other)
                gap = self.free_energy(visible).mean() - self.free_energy(other).mean()
                value = {"divergence": gap}
            gradients = self.difference(visible, hidden, other, self(other))
        parameters = (self.weight, self.hidden_bias, self.visible_bias)
        return {name: known(one, gradients, parameters) for name, one in value.items()}

    def difference(
        self, seen: Tensor, hidden: Tensor, other: Tensor, other_hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The gradient of `free_energy` of what is seen minus that of other states, in the mean:
        of weight, hidden and visible bias. No more than two products.

        Args:
            seen, other: (N, V) and (M, V) states.
            hidden, other_hidden: the means of the hidden units at them.
        """
        weight = other_hidden.T @ other
        weight.addmm_(hidden.T, seen, beta=1 / len(other), alpha=-1 / len(seen))
        return (
            weight, other_hidden.mean(0) - hidden.mean(0), other.mean(0) - seen.mean(0),
        )  # fmt: skip


LOG_TWO_PI = math.log(2 * math.pi)


def drawn(probabilities: Tensor) -> Tensor:
    """States 0 and 1 with these probabilities, exact to 1 in 2**17.

    Four of them share one random number of 64 bits: a fifth of the time of `torch.bernoulli`.
    """
    probabilities, count = probabilities.detach(), probabilities.numel()
    words = torch.empty(-(-count // 4), dtype=torch.int64, device=probabilities.device)
    bits = words.random_(-(2**63), None).view(torch.int16)[:count].view(probabilities.shape)
    uniform = bits.to(probabilities.dtype).mul_(2**-16).add_(0.5 + 2**-17)  # inside (0, 1)
    return torch.sub(probabilities, uniform, out=uniform).ceil_().abs_()


def one_of(probabilities: Tensor) -> Tensor:
    """(N, K) with one unit on in each row, drawn with these probabilities (N, K)."""
    which = probabilities.multinomial(1)
    return torch.zeros_like(probabilities).scatter_(1, which, 1.0)


def known(value: Tensor, gradients: tuple[Tensor, ...], parameters: tuple[Tensor, ...]) -> Tensor:
    """A number whose gradient is known: what `backward` gives to each of the parameters."""
    found: Tensor = _Known.apply(value, gradients, *parameters)
    return found


class _Known(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, value: Tensor, gradients: tuple[Tensor, ...], *parameters: Tensor
    ) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(factor * one for one in ctx.gradients)
