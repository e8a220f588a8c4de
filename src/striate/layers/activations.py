"""Non-linearities by name, with the constants of the papers that brought them.

`rrelu` draws a slope for every activation in training and keeps their mean in testing. Its authors
divide by a number from U(3, 8) and by 5.5 in testing; PyTorch multiplies by one from U(1/8, 1/3)
and by 11/48 in testing, which is what happens here.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from striate.errors import UnknownName


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x / 3), so that f(1) = 1 and f(-1) = -1 (LeCun et al. 1998, Appendix A)."""

    AMPLITUDE = 1.7159
    SLOPE = 2 / 3

    def forward(self, x: Tensor) -> Tensor:
        return self.AMPLITUDE * torch.tanh(self.SLOPE * x)

    def extra_repr(self) -> str:
        return f"{self.AMPLITUDE} tanh({self.SLOPE:.4g} x)"


# What a name builds, given the channels it reads; only the parametric rectifier asks for them.
ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "sigmoid": lambda channels: nn.Sigmoid(),
    "tanh": lambda channels: nn.Tanh(),
    "scaled_tanh": lambda channels: ScaledTanh(),  # LeCun et al. 1998
    "relu": lambda channels: nn.ReLU(),  # Glorot, Bordes & Bengio 2011
    "leaky_relu": lambda channels: nn.LeakyReLU(0.01),  # Maas, Hannun & Ng 2013
    "prelu": lambda channels: nn.PReLU(channels, init=0.25),  # He et al. 2015: a slope a channel
    "rrelu": lambda channels: nn.RReLU(1 / 8, 1 / 3),  # Xu et al. 2015
    "elu": lambda channels: nn.ELU(1.0),  # Clevert, Unterthiner & Hochreiter 2016
}


def activation(name: str, *, channels: int = 1) -> nn.Module:
    """A fresh layer of that name.

    Args:
        name: a key of `ACTIVATIONS`.
        channels: how many slopes `prelu` learns; 1 is one for all channels.

    Raises:
        UnknownName: no activation is called so.

    >>> activation("leaky_relu")
    LeakyReLU(negative_slope=0.01)
    """
    if name not in ACTIVATIONS:
        raise UnknownName("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name](channels)
