"""A picture with its sentence below it, and a map for each word."""

import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from striate.data import Dataset
from striate.errors import ImageError
from striate.tasks.captions.answers import Caption

Pixels = NDArray[np.uint8]
WIDE = 640  # pixels of a drawn picture's longer side, at most
LETTERS = 18  # pixels high
CELL, COLUMNS = 160, 6  # a word's picture; how many stand beside each other
DARK = 0.25  # what is left of the light where nothing is attended to


def drawn(pixels: Pixels, caption: Caption) -> Image.Image:
    """The picture, its sentence, and below a small picture for each word, light where the word was
    given from."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((WIDE, WIDE))
    parts = [picture, written(caption.text, picture.width)]
    if caption.answer.maps is not None and len(caption.answer.words):
        parts.append(sheet(pixels, caption.answer.words, caption.answer.maps))
    width = max(part.width for part in parts)
    whole = Image.new("RGB", (width, sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def written(text: str, width: int) -> Image.Image:
    """Black letters on white, in lines."""
    font = ImageFont.load_default(LETTERS)
    lines = textwrap.wrap(text, max(8, int(width / (0.52 * LETTERS)))) or [""]
    strip = Image.new("RGB", (width, LETTERS // 2 + len(lines) * (LETTERS + 6)), "white")
    draw = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        draw.text((6, 4 + number * (LETTERS + 6)), line, fill="black", font=font)
    return strip


def lit(pixels: Pixels, shares: NDArray[np.float32]) -> Image.Image:
    """The picture (H, W, 3), dark where shares (rows, columns) are low, as bright as it is where
    they are highest."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((CELL, CELL))
    span = max(float(shares.max() - shares.min()), 1e-9)
    light = (shares - shares.min()) / span if float(shares.max()) > 0 else shares
    mask = Image.fromarray((255 * (DARK + (1 - DARK) * light)).astype(np.uint8))
    mask = mask.resize(picture.size, Image.Resampling.BICUBIC)
    return Image.composite(picture, Image.new("RGB", picture.size), mask)


def sheet(pixels: Pixels, words: tuple[str, ...], maps: NDArray[np.float32]) -> Image.Image:
    """A cell for each word, in their order."""
    cells = [lit(pixels, shares) for shares in maps]
    high = max(cell.height for cell in cells) + LETTERS + 8
    rows = -(-len(cells) // COLUMNS)
    whole = Image.new("RGB", (CELL * min(COLUMNS, len(cells)), high * rows), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(14)
    for place, (word, cell) in enumerate(zip(words, cells, strict=True)):
        row, column = divmod(place, COLUMNS)
        left, top = column * CELL, row * high
        draw.text((left + 4, top + 2), word, fill="black", font=font)
        whole.paste(cell, (left, top + LETTERS))
    return whole


def marked(dataset: Dataset[Any], row: int, doubt: Any) -> Image.Image | None:
    """The picture, beside which its sentences stand; None if it cannot be read."""
    try:
        picture = Image.fromarray(dataset.inputs[row])
    except ImageError:
        return None
    picture.thumbnail((WIDE, WIDE))
    return picture
