"""Mirror, crop, zoom, stretch, rotation, shear and shift as ONE affine map per image.

Frame: pixel centers of a picture in [-1, 1] x [-1, 1], x to the right and y down. A matrix says
where in the input each output position is read from, so maps compose right to left and the cost of
the warp does not grow with the number of maps.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Spread:
    """How far views may lie from the picture: every value is the half-width of a uniform draw,
    if nothing else is said."""

    mirror: float = 0.0  # probability of left-right exchange
    rotation: float = 0.0  # degrees
    zoom: float = 0.0  # log of the scale: 0.2 draws from exp(-0.2) .. exp(0.2)
    stretch: float = 0.0  # log of width over height
    shear: float = 0.0  # degrees
    shift: float = 0.0  # share of the side
    # least and largest share of the area in the window that is read; it lies anywhere inside
    crop: tuple[float, float] | None = None
    lens: float = 0.0  # k of the radius r (1 + k r^2), r = 1 at the middle of a side
    elastic: float = 0.0  # root mean square of a smooth random displacement, share of the side
    softness: float = (
        4 / 29
    )  # standard deviation of the Gaussian that smooths it, share of the side

    def __post_init__(self) -> None:
        if self.crop is not None and not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError(
                f"crop must be two growing shares of the area in (0, 1], not {self.crop}"
            )
        if not 0 <= self.mirror <= 1:
            raise ValueError(f"mirror must be a probability, not {self.mirror}")
        if self.softness <= 0:
            raise ValueError(f"softness must be positive, not {self.softness}")
        for name in ("rotation", "zoom", "stretch", "shear", "shift", "elastic"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Spread":
        """What `dataclasses.asdict` gave, after JSON made lists of its tuples."""
        crop = values.get("crop")
        return cls(**{**values, "crop": None if crop is None else tuple(crop)})


def affine_matrices(
    spread: Spread, count: int, generator: Generator | None = None, *, aspect: float = 1.0
) -> Tensor:
    """One random map for each of `count` images.

    Args:
        aspect: width over height of the input, so that a rotation keeps right angles.

    Returns:
        (count, 2, 3) float32: output position (x, y, 1) to input position, both in [-1, 1]; on the
        device of the generator.
    """
    device = generator.device if generator is not None else None
    draw = torch.rand(count, 7, generator=generator, device=device)
    angle, zoom, stretch, shear, right, down = (2 * draw[:, 1:] - 1).unbind(1)
    angle = angle * math.radians(spread.rotation)
    tangent = torch.tan(shear * math.radians(spread.shear))
    flip = torch.where(draw[:, 0] < spread.mirror, -1.0, 1.0)
    wide = torch.exp(-zoom * spread.zoom - stretch * spread.stretch / 2)
    high = torch.exp(-zoom * spread.zoom + stretch * spread.stretch / 2)
    right, down = 2 * right * spread.shift, 2 * down * spread.shift
    if spread.crop is not None:
        area, *place = torch.rand(count, 3, generator=generator, device=device).unbind(1)
        side = torch.sqrt(spread.crop[0] + area * (spread.crop[1] - spread.crop[0]))
        wide, high = (wide * side).clamp(max=1), (high * side).clamp(max=1)
        right = right + (2 * place[0] - 1) * (1 - wide)
        down = down + (2 * place[1] - 1) * (1 - high)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    # rotation x shear x diag(flip * wide, high)
    matrices = torch.empty(count, 2, 3, device=device)
    matrices[:, 0, 0] = cosine * flip * wide
    matrices[:, 0, 1] = (cosine * tangent - sine) * high / aspect
    matrices[:, 1, 0] = sine * flip * wide * aspect
    matrices[:, 1, 1] = (sine * tangent + cosine) * high
    matrices[:, 0, 2] = right
    matrices[:, 1, 2] = down
    return matrices


def lens_strengths(spread: Spread, count: int, generator: Generator | None = None) -> Tensor | None:
    """Radial distortions (count,), or None where there are none to draw."""
    if not spread.lens:
        return None
    device = generator.device if generator is not None else None
    return (2 * torch.rand(count, generator=generator, device=device) - 1) * spread.lens
