"""DCGAN (Radford, Metz & Chintala 2016, arXiv:1511.06434): adversarial nets of convolutions.

Every rule of its Section 3: strides instead of pooling; batch normalization everywhere but at the
generator's output and the discriminator's input; no hidden full connections; rectifiers and a tanh
in the generator, leaky rectifiers of slope 0.2 in the discriminator. Weights start as N(0, 0.02).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers.halving import Double, Halve
from striate.models.adversarial import Conditioned, Judge, Players

LEAST, MOST = 4, 7  # pixels of a side that the noise is projected to


def doublings(side: int) -> int:
    """How often a side is halved until at most seven pixels are left.

    Raises:
        ModelError: if that does not come out even.

    >>> [doublings(side) for side in (28, 32, 64)]
    [2, 3, 4]
    """
    count = 0
    while side > MOST and side % 2 == 0:
        side, count = side // 2, count + 1
    if not LEAST <= side <= MOST or not count:
        raise ModelError(
            f"pictures of {side << count} pixels are not {LEAST} to {MOST} doubled some times; "
            f"take {fitting(side << count)}"
        )
    return count


def fitting(side: int) -> int:
    """The largest side not above this that doubles out of 4 to 7 pixels.

    >>> [fitting(side) for side in (28, 36, 50, 100)]
    [28, 32, 48, 96]
    """
    count = max(1, (max(side, 2 * LEAST) // LEAST).bit_length() - 1)
    return min(max(side >> count, LEAST), MOST) << count


class Maps(nn.Module):
    """Vectors (N, side * side * channels) as feature maps (N, channels, side, side), and with
    `side` 0 back again; in memory channels come last, as convolutions on a CPU like it, so that
    nothing moves."""

    def __init__(self, side: int = 0):
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        if not self.side:
            return x.permute(0, 2, 3, 1).flatten(1)
        return x.unflatten(1, (self.side, self.side, -1)).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        return f"side={self.side}"


def dcgan(
    side: int, channels: int, *, noise: int = 100, width: int = 64, classes: int = 0
) -> Players:
    """The players for pictures (N, channels, side, side) in [-1, 1].

    Args:
        side: 4 to 7 pixels doubled some times: 28, 32, 64...
        width: channels at half the side; every halving doubles them.
        classes: of the pictures, where both players are told them; else 0.

    Raises:
        ModelError: if there is no such side.
    """
    count = doublings(side)
    base = side >> count
    widths = [width << step for step in range(count)]  # from the picture inwards
    deepest = widths[-1]
    up: list[nn.Module] = [
        nn.Linear(noise + classes, deepest * base * base, bias=False),
        Maps(base), nn.BatchNorm2d(deepest), nn.ReLU(inplace=True),
    ]  # fmt: skip
    for inner, outer in pairwise(reversed(widths)):
        up += [Double(inner, outer, bias=False),
               nn.BatchNorm2d(outer), nn.ReLU(inplace=True)]  # fmt: skip
    up += [Double(width, channels), nn.Tanh()]
    down: list[nn.Module] = [Halve(channels, width), nn.LeakyReLU(0.2, inplace=True)]
    for outer, inner in pairwise(widths):
        down += [Halve(outer, inner, bias=False),
                 nn.BatchNorm2d(inner), nn.LeakyReLU(0.2, inplace=True)]  # fmt: skip
    sight = nn.Sequential(*down, Maps())
    players = Players(
        Conditioned(nn.Sequential(*up), classes), Judge(sight, deepest * base * base, classes)
    )
    for layer in players.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            nn.init.normal_(layer.weight, 0, 0.02)
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return players.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
