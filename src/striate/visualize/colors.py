"""Numbers as colors whose steps look as large as they are, and maps laid over pictures.

Both scales are drawn in OKLab (Ottosson 2020), where equal steps look equally large: lightness
goes in a straight line, so that a map stays true in gray and to people who confuse red and green.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Scale = Literal["ember", "balance"]

# OKLab to cone responses (cube roots), and cone responses to linear sRGB.
TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
STEPS = 256
DARKEST, LIGHTEST = 0.16, 0.97  # of "ember"
MIDDLE, ENDS = 0.97, 0.45  # of "balance"
STRONGEST = 0.20  # chroma; less where the screen cannot show it


def colored(values: NDArray, *, low: float, high: float, scale: Scale = "ember") -> Pixels:
    """Numbers of any shape as colors, (*shape, 3).

    "ember" goes from black over violet, red and orange to pale yellow: `low` to `high`. "balance"
    goes from blue over white to red, for numbers of both signs: give -high as low. What lies
    outside takes the color of the end; nan is gray.
    """
    known = np.isfinite(values)
    share = np.clip((np.where(known, values, low) - low) / max(high - low, 1e-30), 0, 1)
    result = table(scale)[np.rint(share * (STEPS - 1)).astype(int)]
    result[~known] = 128
    return result


def heat(
    image: Pixels,
    map: NDArray,
    *,
    low: float | None = None,
    high: float | None = None,
    signed: bool = False,
    opacity: float = 0.65,
) -> Pixels:
    """A map laid over the picture it is about, which stays as gray: (H, W, 3) uint8.

    Args:
        image: (H, W, 3) uint8.
        map: (h, w), of any size; stretched smoothly over the whole picture.
        low, high: what the ends of the color scale mean; the smallest and largest number of the
            map where None.
        signed: numbers below 0 are blue and above red; the ends are then as far from 0 as the
            largest number, and where the map is 0 the picture is seen.
    """
    from PIL import Image

    height, width = image.shape[:2]
    flat = Image.fromarray(np.nan_to_num(np.asarray(map, np.float32)))
    stretched = np.asarray(flat.resize((width, height), Image.Resampling.BICUBIC))
    stretched = np.clip(stretched, np.nanmin(map), np.nanmax(map))  # bicubic shoots over
    if signed:
        high = float(np.abs(map).max()) if high is None else high
        low = -high
    low = float(np.nanmin(map)) if low is None else low
    high = float(np.nanmax(map)) if high is None else high
    gray = np.asarray(Image.fromarray(image).convert("L"), np.float32)[..., None]
    gray = 48 + gray * (207 / 255)  # no black: dark pictures would hide the map
    color = colored(stretched, low=low, high=high, scale="balance" if signed else "ember")
    cover = np.full((height, width, 1), opacity, np.float32)
    if signed:
        cover = opacity * np.clip(np.abs(stretched)[..., None] / max(high, 1e-30), 0, 1) ** 0.5
    return np.rint((1 - cover) * gray + cover * color).astype(np.uint8)


@lru_cache
def table(scale: Scale) -> Pixels:
    """The colors of a scale, (256, 3)."""
    t = np.linspace(0, 1, STEPS)
    if scale == "ember":
        lightness = DARKEST + (LIGHTEST - DARKEST) * t
        hue = np.radians(-75 + 175 * t)  # violet, red, orange, yellow
        chroma = STRONGEST * np.minimum(1, np.minimum(t, 1.3 - t) * 4)
    else:
        distance = np.abs(2 * t - 1)
        lightness = MIDDLE + (ENDS - MIDDLE) * distance
        hue = np.radians(np.where(t < 0.5, 257, 27))
        chroma = STRONGEST * distance
    return np.rint(255 * shown(lightness, within_gamut(lightness, chroma, hue), hue)).astype(
        np.uint8
    )


def distinct(count: int) -> Pixels:
    """Colors for kinds, (count, 3), as far from each other as hues go, all of them as light."""
    turns = np.radians(30 + 360 * np.arange(count) / max(count, 1))
    lightness, chroma = np.full(count, 0.72), np.full(count, 0.14)
    light = shown(lightness, within_gamut(lightness, chroma, turns), turns)
    return np.rint(255 * light).astype(np.uint8)


def shown(lightness: NDArray, chroma: NDArray, hue: NDArray) -> NDArray[np.float64]:
    """sRGB, each in [0, 1]."""
    linear = np.clip(linear_rgb(lightness, chroma, hue), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def linear_rgb(lightness: NDArray, chroma: NDArray, hue: NDArray) -> NDArray[np.float64]:
    """Linear sRGB; outside [0, 1] for colors that a screen cannot show."""
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    return ((lab @ TO_CONES.T) ** 3) @ TO_RGB.T


def within_gamut(lightness: NDArray, chroma: NDArray, hue: NDArray) -> NDArray[np.float64]:
    """As much of the chroma as a screen can show, by halving."""
    low, high = np.zeros_like(chroma), chroma.copy()
    for _ in range(20):
        middle = (low + high) / 2
        rgb = linear_rgb(lightness, middle, hue)
        inside = ((rgb >= 0) & (rgb <= 1)).all(axis=-1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low
