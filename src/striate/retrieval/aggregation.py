"""From the feature maps of a network to vectors of a picture, each of length 1.

mean, max   of each map its mean or maximum
gem         generalized mean, (mean of x^p)^(1/p) (Radenovic, Tolias & Chum 2018, Equation 3)
rmac        maxima over overlapping square regions of several sizes, a vector for each region
            (Tolias, Sicre & Jégou 2016, Section 3.2)
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor

OVERLAP = 0.4  # of neighboring regions, as near as a whole number of them comes (Section 3.2)
MOST = 6  # further regions along the longer side of a long picture
SMALLEST = 1e-6  # of a value that is raised to a power
LEVELS = 8

Kind = Literal["mean", "max", "gem", "rmac"]
KINDS: tuple[Kind, ...] = ("mean", "max", "gem", "rmac")


@dataclass(frozen=True)
class Aggregation:
    """How feature maps become vectors.

    Attributes:
        p: the exponent of `gem`; 1 is the mean, and the larger it is, the nearer to the maximum.
        levels: sizes of regions of `rmac`.

    Raises:
        ValueError: if it is none of those.
    """

    kind: Kind = "gem"
    p: float = 3.0
    levels: int = 3

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"aggregation must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if not isinstance(self.p, int | float) or not 0.1 <= self.p <= 100:
            raise ValueError(f"p must be in [0.1, 100], not {self.p!r}")
        if type(self.levels) is not int or not 1 <= self.levels <= LEVELS:
            raise ValueError(f"levels must be in 1 to {LEVELS}, not {self.levels!r}")

    def __call__(self, maps: Tensor) -> Tensor:
        """Feature maps (N, C, H, W) to vectors (N, R, C) of length 1; R is 1 except for `rmac`.

        What has no places already, (N, C), is one vector as it is.
        """
        if maps.ndim == 2:
            return normalized(maps[:, None])
        if self.kind == "mean":
            found = maps.mean((2, 3))[:, None]
        elif self.kind == "max":
            found = maps.amax((2, 3))[:, None]
        elif self.kind == "gem":
            found = generalized_mean(maps, self.p)[:, None]
        else:
            found = regional_maxima(maps, self.levels)
        return normalized(found)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` gave, back.

        Raises:
            TypeError, ValueError: if it is not of that form.
        """
        return cls(**values)


def normalized(vectors: Tensor) -> Tensor:
    """The same directions (..., D) with length 1; zeros stay zeros."""
    return torch.nn.functional.normalize(vectors, dim=-1)


def generalized_mean(maps: Tensor, p: float) -> Tensor:
    """(N, C) of maps (N, C, H, W), which are taken as 0 where they are negative.

    >>> generalized_mean(torch.tensor([[[[1.0, 2.0]]]]), 3.0).item()  # (9 / 2) ** (1 / 3)
    1.6509...
    """
    values = maps.clamp(min=SMALLEST)
    top = values.amax((2, 3), keepdim=True)  # high powers of large values have no float32
    return ((values / top).pow(p).mean((2, 3)).pow(1 / p)) * top[:, :, 0, 0]


def regional_maxima(maps: Tensor, levels: int) -> Tensor:
    """The maxima (N, R, C) of maps (N, C, H, W) over the squares of `regions`."""
    squares = regions(maps.shape[2], maps.shape[3], levels)
    return torch.stack(
        [maps[:, :, y : y + side, x : x + side].amax((2, 3)) for y, x, side in squares], 1
    )


def regions(height: int, width: int, levels: int) -> list[tuple[int, int, int]]:
    """Top, left and side of the squares: at level l, l of them along the shorter side, each
    2 min(H, W) / (l + 1) wide, and along the longer side so many that they overlap by about 40 %.

    >>> regions(4, 4, 2)
    [(0, 0, 4), (0, 0, 2), (0, 2, 2), (2, 0, 2), (2, 2, 2)]
    """
    shorter = min(height, width)
    more = further(shorter, max(height, width))
    found = []
    for level in range(1, levels + 1):
        side = max(1, 2 * shorter // (level + 1))
        down = starts(height, side, level + more * (height > width))
        across = starts(width, side, level + more * (width > height))
        found += [(y, x, side) for y in down for x in across]
    return found


def further(shorter: int, longer: int) -> int:
    """How many more regions the longer side has at the first level; 0 of a square."""
    if shorter == longer:
        return 0

    def off(more: int) -> float:
        return abs(1 - (longer - shorter) / more / shorter - OVERLAP)

    return min(range(1, MOST + 1), key=off)


def starts(length: int, side: int, count: int) -> list[int]:
    """Where `count` regions of a side begin, from one end to the other."""
    if count == 1:
        return [0]
    return [number * (length - side) // (count - 1) for number in range(count)]
