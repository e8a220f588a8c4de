"""Sheets: tiles in rows, with a title, labels, a scale and a caption; as plain arrays of pixels."""

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from striate.errors import UserError
from striate.files import writing
from striate.inference import Preprocessing
from striate.visualize.colors import STEPS, Pixels, Scale, table

if TYPE_CHECKING:
    from PIL import Image, ImageFont

INK, QUIET, PAPER, LINE = (31, 41, 51), (97, 110, 124), (255, 255, 255), (255, 176, 0)
MARGIN, GAP, LABEL = 28, 10, 20  # pixels
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 24, 15, 13
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".gif": "GIF"}
MOVING = (".png", ".gif", ".webp")


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet, (H, W, 3) uint8, with a line of text below it."""

    pixels: Pixels
    label: str = ""


@dataclass(frozen=True)
class Legend:
    """What the colors mean: the scale, the numbers at its ends, and of what."""

    low: float
    high: float
    meaning: str
    scale: Scale = "ember"


def sheet(
    title: str,
    rows: Sequence[Sequence[Tile]],
    *,
    caption: str = "",
    names: Sequence[str] = (),
    side: int = 128,
    legend: Legend | None = None,
    gaps: Sequence[int] = (),
    smooth: bool = True,
) -> Pixels:
    """A page of tiles, all brought to `side` pixels, (H, W, 3) uint8.

    Args:
        caption: below the title, in as many lines as it needs.
        names: of each row, written at its left.
        gaps: columns before which there is more room.
        smooth: whether what is enlarged is interpolated; False shows each number as a square.
    """
    from PIL import Image, ImageDraw

    title, names = clean(title), [clean(name) for name in names]
    labels = any(tile.label for row in rows for tile in row)
    columns = max(len(row) for row in rows)
    left = MARGIN + (max(round(width_of(n, TEXT_SIZE)) for n in names) + 2 * GAP if names else 0)
    step, drop = side + GAP, side + GAP + (LABEL if labels else 0)
    places = [
        left + column * step + 2 * GAP * sum(g <= column for g in gaps) for column in range(columns)
    ]
    width = max(places[-1] + side, MARGIN + round(width_of(title, TITLE_SIZE)), 420) + MARGIN
    lines = wrapped(caption, width - 2 * MARGIN, TEXT_SIZE)
    top = MARGIN + TITLE_SIZE + 10 + 21 * len(lines) + 12
    height = top + drop * len(rows) - GAP + (54 if legend else 0) + MARGIN
    page = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, MARGIN - 6), title, INK, font(TITLE_SIZE))
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + TITLE_SIZE + 6 + 21 * number), line, QUIET, font(TEXT_SIZE))
    for r, row in enumerate(rows):
        y = top + r * drop
        if names:
            pen.text((MARGIN, y + side / 2), names[r], INK, font(TEXT_SIZE), anchor="lm")
        for tile, x in zip(row, places, strict=False):
            page.paste(Image.fromarray(resized(tile.pixels, side, smooth=smooth)), (x, y))
            text = shortened(clean(tile.label[:200]), side + GAP - 4, SMALL_SIZE)
            pen.text((x, y + side + 3), text, QUIET, font(SMALL_SIZE))
    if legend:
        key(page, legend, left, top + drop * len(rows) + 2, min(320, width - left - MARGIN))
    return np.array(page)


def key(page: "Image.Image", legend: Legend, left: int, top: int, width: int) -> None:
    """A bar of the scale's colors, its ends and what they are of."""
    from PIL import Image, ImageDraw

    pen = ImageDraw.Draw(page)
    bar = table(legend.scale)[np.linspace(0, STEPS - 1, width).astype(int)]
    page.paste(Image.fromarray(np.repeat(bar[None], 12, axis=0)), (left, top))
    small = font(SMALL_SIZE)
    pen.text((left, top + 17), f"{legend.low:.3g}", QUIET, small)
    pen.text((left + width, top + 17), f"{legend.high:.3g}", QUIET, small, anchor="ra")
    pen.text((left + width / 2, top + 17), legend.meaning, QUIET, small, anchor="ma")


def swatches(names: Sequence[str], colors: Pixels, *, side: int) -> Pixels:
    """A tile that explains the colors."""
    from PIL import Image, ImageDraw

    page = Image.new("RGB", (side, side), PAPER)
    pen = ImageDraw.Draw(page)
    for number, (name, color) in enumerate(zip(names, colors.tolist(), strict=True)):
        y = 4 + 24 * number
        pen.rectangle((2, y, 17, y + 15), fill=tuple(color))
        pen.text((26, y), shortened(clean(name), side - 28, SMALL_SIZE), INK, font(SMALL_SIZE))
    return np.array(page)


def resized(pixels: Pixels, side: int, *, smooth: bool = True) -> Pixels:
    """A tile brought to (side, side), the whole of it, on paper where it is not square."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    way = Image.Resampling.LANCZOS if smooth or scale < 1 else Image.Resampling.NEAREST
    canvas = Image.new("RGB", (side, side), PAPER)
    shrunk = Image.fromarray(pixels).resize(inner, way)
    canvas.paste(shrunk, ((side - inner[0]) // 2, (side - inner[1]) // 2))
    return np.array(canvas)


def boxed(pixels: Pixels, box: Sequence[int]) -> Pixels:
    """A picture with a frame around (top, left, bottom, right), as far as it lies inside."""
    from PIL import Image, ImageDraw

    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    top, left = max(box[0], 0), max(box[1], 0)
    bottom, right = min(box[2], height) - 1, min(box[3], width) - 1
    wide = max(1, round(max(height, width) / 110))
    ImageDraw.Draw(picture).rectangle((left, top, right, bottom), outline=LINE, width=wide)
    return np.array(picture)


def enhanced(values: NDArray[np.floating]) -> Pixels:
    """Numbers of both signs (C, h, w) as a picture: 0 is middle gray, the contrast enhanced as in
    the paper's figures; one in 200 numbers may be too strong to be told from the next."""
    largest = float(np.quantile(np.abs(values), 0.995)) or float(np.abs(values).max()) or 1.0
    shifted = np.clip(0.5 + values / (2 * largest), 0, 1)
    pixels = np.rint(255 * shifted).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def to_pixels(values: NDArray[np.floating], preprocessing: Preprocessing) -> Pixels:
    """What a network takes, (C, h, w), as the picture it was: (h, w, 3); nan is light gray."""
    if preprocessing.normalization.bgr:
        values = values[::-1]
    mean, std = (
        np.array(v)[:, None, None]
        for v in (preprocessing.normalization.mean, preprocessing.normalization.std)
    )
    pixels = np.nan_to_num(values * std + mean, nan=225)
    pixels = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def save(path: str | os.PathLike[str], pixels: Pixels) -> None:
    """Writes a picture whole, in the format that its name ends in.

    Raises:
        UserError: if the name ends otherwise.
    """
    from PIL import Image

    form = format_of(path)
    with writing(path) as temporary:
        Image.fromarray(pixels).save(temporary, form)


def save_film(
    path: str | os.PathLike[str], frames: Sequence[Pixels], *, seconds: float = 0.1
) -> None:
    """Writes pictures as one that moves (.png, .gif or .webp); the last one stays for a while.

    Raises:
        UserError: if the name ends otherwise.
    """
    from PIL import Image

    form = check_film(path)
    pictures = [Image.fromarray(frame) for frame in frames]
    each = [round(1000 * seconds)] * (len(pictures) - 1) + [2000]
    with writing(path) as temporary:
        pictures[0].save(
            temporary, form, save_all=True, append_images=pictures[1:], duration=each, loop=0
        )


def check_film(path: str | os.PathLike[str]) -> str:
    """Pillow's name of the format, if it can move."""
    if Path(path).suffix.lower() not in MOVING:
        raise UserError(f"{path}: the name of a picture that moves ends in {', '.join(MOVING)}")
    return format_of(path)


def format_of(path: str | os.PathLike[str]) -> str:
    """Pillow's name of the format a file's name ends in."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise UserError(f"{path}: a picture's name ends in {', '.join(FORMATS)}")
    return FORMATS[suffix]


@lru_cache
def font(size: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    """The font that comes with Pillow."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def width_of(text: str, size: int) -> float:
    """Pixels that a line takes."""
    return font(size).getlength(text)


def clean(text: str) -> str:
    """What can be written in one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def wrapped(text: str, width: float, size: int) -> list[str]:
    """Text in lines no wider than `width`."""
    lines: list[str] = []
    for word in clean(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def shortened(text: str, width: float, size: int) -> str:
    """Text cut so that it fits."""
    if width_of(text, size) <= width:
        return text
    fits = bisect_right(range(len(text)), width, key=lambda n: width_of(text[:n] + "…", size))
    return text[: max(0, fits - 1)] + "…"
