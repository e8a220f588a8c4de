"""Restricted Boltzmann machines, to begin a deep network with (Hinton, Osindero and Teh 2006).

The first reads real numbers of variance 1 (Gaussian-Bernoulli), those above it probabilities. Each
is learned by contrastive divergence with one step (Hinton 2002): what it sees becomes likelier,
what it would rather see less likely.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RBM(nn.Module):
    """Visible (N, V) and hidden (N, H) units.

    Args:
        gaussian: whether visible units are real numbers of variance 1, or logistic.
    """

    def __init__(self, visible: int, hidden: int, *, gaussian: bool = False):
        super().__init__()
        self.gaussian = gaussian
        self.weight = nn.Parameter(torch.randn(hidden, visible) * 0.01)
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.visible_bias = nn.Parameter(torch.zeros(visible))

    def free_energy(self, visible: Tensor) -> Tensor:
        """(N,): minus the logarithm of the probability, up to a constant."""
        hidden = F.softplus(F.linear(visible, self.weight, self.hidden_bias)).sum(1)
        if self.gaussian:
            return 0.5 * ((visible - self.visible_bias) ** 2).sum(1) - hidden
        return -(visible @ self.visible_bias) - hidden

    def forward(self, visible: Tensor) -> Tensor:
        """(N, H) probabilities of the hidden units."""
        return F.linear(visible, self.weight, self.hidden_bias).sigmoid()

    def dreamed(self, hidden: Tensor) -> Tensor:
        """(N, V) mean of the visible units where the hidden ones are given."""
        found = F.linear(hidden, self.weight.T, self.visible_bias)
        return found if self.gaussian else found.sigmoid()

    def losses(self, visible: Tensor) -> dict[str, Tensor]:
        """One step of contrastive divergence, as a loss whose gradient is its update: hidden units
        are drawn once, and the visible ones they ask for are taken at their mean (Hinton 2010,
        Section 3)."""
        with torch.no_grad():
            other = self.dreamed(torch.bernoulli(self(visible)))
        return {"divergence": (self.free_energy(visible) - self.free_energy(other)).mean()}
