"""The weights of `resampling`, where there is nothing but single precision and whole numbers.

OpenVINO computes on a processor in 24 bits whatever the graph says. The last bit of a weight then
comes out otherwise for one weight in five, and ten or twenty pixels of a view are another whole
number than Pillow's: enough to move a probability by 1e-4. So each number here is a whole number of
some power of two, kept exactly, and a small rest, kept to 24 bits of its own: 33 bits in all.
"""

import torch
from torch import Tensor

STEP = 1024  # places between 0 and 1 at which the filter is known exactly
LAST = 2 * STEP  # where it ends


def fine_weights(
    start: Tensor, end: Tensor, wanted: Tensor, number: Tensor, pixel: Tensor, length: int
) -> Tensor:
    """What `resampling.weights_of` gives (..., S, W): whole numbers of 2 to the power of -22.

    Args:
        start, end: of what is seen, in pixels: float32 without dimensions.
        wanted: how many places it becomes, a whole number.
        number: (..., S) of each place, all of them.
        pixel: (..., W) numbers of the pixels.
        length: how many pixels there are.
    """
    whole, upper, lower = limbs(end - start)
    place, center, rest = centers(start, (whole, upper, lower), wanted, number)
    # Distances from the center in units of 2^-12 pixels: `apart` whole ones, less the rest.
    pixel = pixel[..., None, :]
    apart = (pixel - place[..., None]) * 4096 + 2048 - center[..., None]
    sign = torch.where(apart < 0, -1, 1)
    shrinks = end - start > wanted
    # By the stretch: times wanted / span where it shrinks; else the span counts as `wanted`.
    span = torch.where(shrinks, end - start, wanted.float())
    whole = torch.where(shrinks, whole, wanted)
    upper, lower = upper * shrinks, lower * shrinks
    scaled = (apart * sign).clamp(max=(2**31 - 1) // number.numel()) * wanted
    step = torch.floor(scaled.float() / (4 * span)).int().clamp(0, LAST + 1).long()
    over = (scaled - 4 * step * whole).clamp(-(2**19), 2**19) * 2048 - 4 * step * upper
    behind = (4 * step * lower).float() / 2**23 + (sign * rest[..., None]) * wanted.float() * 4096
    further = (over.float() / 2048 - behind) / span / 4096
    high, low = filtered(step, torch.where(step < LAST, further, 0.0))
    inside = (pixel >= 0) & (pixel < length)
    return shares(high * inside, low * inside)


def limbs(number: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A number as whole + upper / 2^11 + lower / 2^23, all of them whole."""
    whole = torch.floor(number)
    fraction = (number - whole) * 2048
    upper = torch.floor(fraction)
    lower = torch.floor((fraction - upper) * 4096)
    return whole.long(), upper.long(), lower.long()


def centers(
    start: Tensor, span: tuple[Tensor, Tensor, Tensor], wanted: Tensor, number: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the filter's centers lie: place + center / 2^12 + rest, each (..., S)."""
    whole, upper, lower = span
    odd, twice = 2 * number + 1, 2 * wanted
    turns = torch.div(odd * whole, twice, rounding_mode="floor")
    left = (odd * whole - turns * twice) * 2048 + odd * upper  # of 2048 · twice
    center = torch.div(2 * left, twice, rounding_mode="floor")
    left = 2 * left - center * twice
    rest = (left.float() + (odd * lower).float() / 2048) / twice.float() / 4096
    begin, above, below = limbs(start)
    center = center + 2 * above + torch.div(below, 2048, rounding_mode="floor")
    rest = rest + (below % 2048).float() / 2**23
    return begin + turns, center, rest


def filtered(step: Tensor, further: Tensor) -> tuple[Tensor, Tensor]:
    """The filter at step / STEP + further: a whole number of 2^-12, and the rest (Taylor)."""
    high, low, slope, bend, third = (row[step] for row in TABLE.to(step.device))
    return high, low + further * (slope + further * (bend + further * third))


def shares(high: Tensor, low: Tensor) -> Tensor:
    """Each number's share in the sum of its row, in units of 2^-22, rounded."""
    total, small = high.sum(-1, keepdim=True), low.sum(-1, keepdim=True)
    coarse = torch.floor(high / total * 512)
    over = (high.long() * 512 - coarse.long() * total.long()).float() / 2**21
    fine = (over + low - coarse / 512 * small) / (total / 4096 + small)
    return coarse * 8192 + torch.floor(fine * 2**22 + 0.5)


def table() -> Tensor:
    """(5, 2 · STEP + 2): upper bits, in units of 2^-12, lower bits, and Taylor's coefficients of
    Keys' cubic at each step; beyond the end all are zero."""
    x = torch.arange(LAST + 2, dtype=torch.float64) / STEP
    near = torch.stack(
        [1.5 * x**3 - 2.5 * x**2 + 1, 4.5 * x**2 - 5 * x, 4.5 * x - 2.5, 0 * x + 1.5]
    )
    far = torch.stack([
        -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, -1.5 * x**2 + 5 * x - 4, -1.5 * x + 2.5, 0 * x - 0.5
    ])  # fmt: skip
    rows = torch.where(x < 1, near, torch.where(x < 2, far, 0.0))
    high = torch.floor(rows[:1] * 4096)
    return torch.cat([high, rows[:1] - high / 4096, rows[1:]]).float()


TABLE = table()
