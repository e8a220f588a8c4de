"""A network as a picture: every stage a block, as tall as its map and as wide as its channels."""

import math
from html import escape

from striate.models._describe import Description
from striate.models.recording import Row

GAP, TOP, MARGIN = 14, 46, 20
TALLEST, SHORTEST = 150.0, 5.0
COLORS = {
    "images": "#9aa5b1",
    "convolution": "#3b7dd8",
    "pooling": "#d9822b",
    "connection": "#2f9e6e",
    "other": "#c5ccd3",
}


def draw(description: Description) -> str:
    """The network as an SVG document: its stages from left to right, blocks to scale.

    Height goes with the square root of a map's rows, width with the logarithm of its channels. A
    vector is a thin, tall block. Pointing at a block shows its row of the table.
    """
    first = Row("images", "images", description.input, 0, 0, 0, 0, None)
    rows = [first, *(row for row in description.stages if family(row) != "other")]
    tallest = max((row.output[1] for row in rows if len(row.output) == 3), default=1)
    x = float(MARGIN)
    middle = TOP + TALLEST / 2
    blocks = []
    for row in rows:
        width, height = extent(row, tallest)
        slot = max(width, 8.0)
        blocks.append(block(row, x + (slot - width) / 2, middle, width, height))
        x += slot + GAP
    total = f"{description.parameters:,} parameters, {description.multiply_adds:,} multiply-adds"
    width, height = round(x - GAP + MARGIN), round(TOP + TALLEST + 160)
    line = f'<line x1="{MARGIN}" y1="{middle}" x2="{x - GAP:.1f}" y2="{middle}" stroke="#c5ccd3"/>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="10">',
            f"<title>{escape(description.name)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            f'<text x="{MARGIN}" y="20" font-size="14" fill="#1f2933">{escape(description.name)}'
            f'<tspan font-size="10" fill="#616e7c"> {total}</tspan></text>',
            line,
            *blocks,
            "</svg>",
        ]
    )


def block(row: Row, x: float, middle: float, width: float, height: float) -> str:
    """One stage: the block, its name and size below it, all of its row on pointing."""
    color = COLORS[family(row)]
    size = " x ".join(map(str, row.output))
    told = [row.name, row.kind, size, f"{row.parameters:,} parameters"]
    below = middle + TALLEST / 2 + 10
    center = x + width / 2
    return (
        f"<g><title>{escape(', '.join(told))}</title>"
        f'<rect x="{x:.1f}" y="{middle - height / 2:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" fill="{color}" stroke="#ffffff" rx="1.5"/>'
        f'<text transform="translate({center + 3:.1f} {below:.1f}) rotate(90)" fill="#1f2933">'
        f'{escape(row.name)}<tspan fill="#616e7c"> {size}</tspan></text></g>'
    )


def extent(row: Row, tallest: int) -> tuple[float, float]:
    """Width and height of a block."""
    if len(row.output) == 3:
        channels, rows, _ = row.output
        return 3.0 * math.log2(channels + 1), max(TALLEST * math.sqrt(rows / tallest), SHORTEST)
    numbers = row.output[0] if row.output else 1
    return 5.0, max(9.0 * math.log2(numbers + 1), SHORTEST)


def family(row: Row) -> str:
    """Which color a stage has; "other" (normalization, flattening) is left out."""
    if row.name == "images":
        return "images"
    if "Pool" in row.kind:
        return "pooling"
    if row.parameters == 0:
        return "other"
    return "convolution" if len(row.output) == 3 else "connection"
