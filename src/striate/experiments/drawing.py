"""The drawings of a result, as parts of a page and as one picture of their own (SVG)."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from striate import pages
from striate.experiments.result import Line, Panel, Picture

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT = 300, 220  # of a panel's frame
LEFT, TOP, RIGHT, BOTTOM = 46, 24, 14, 36  # around it: the title above, the axis below
KEY = 15  # of a line of the key
CLOUD = 20  # dots, from which on they are
SMALL, LARGE = 1.6, 4  # radius of a dot: in a cloud, and of one that counts
ACROSS = 3  # panels in a row


def drawing(panel: Panel | Picture) -> "Markup":
    """One of them, as an element `svg`."""
    return pages.fragment("striate.experiments", "panel.svg.jinja", placed(panel))


def sheet(panels: Sequence[Panel | Picture]) -> "Markup":
    """All of them, side by side, as a file."""
    sizes = [placed(panel) for panel in panels]
    rows = [sizes[start : start + ACROSS] for start in range(0, len(sizes), ACROSS)]
    top = 0
    for row in rows:
        for column, values in enumerate(row):
            values.update(x=column * (LEFT + WIDTH + RIGHT), y=top)
        top += max(values["tall"] for values in row)
    values = {
        "wide": (LEFT + WIDTH + RIGHT) * max(map(len, rows)), "tall": top,
        "panels": [pages.fragment("striate.experiments", "panel.svg.jinja", one) for one in sizes],
    }  # fmt: skip
    return pages.fragment("striate.experiments", "sheet.svg.jinja", values)


def placed(panel: Panel | Picture) -> dict[str, Any]:
    """A panel in the coordinates of its drawing."""
    frame = {
        "title": panel.title, "width": WIDTH, "height": HEIGHT, "left": LEFT, "top": TOP,
        "wide": LEFT + WIDTH + RIGHT, "x": 0, "y": 0, "key": KEY,
    }  # fmt: skip
    if isinstance(panel, Picture):
        return {**frame, **pictured(panel), "tall": TOP + HEIGHT + RIGHT}
    left, right, bottom, top = panel.limits or reach(panel.lines)

    def across(x: Any) -> Any:
        return LEFT + WIDTH * (x - left) / (right - left)

    def up(y: Any) -> Any:
        return TOP + HEIGHT * (top - np.clip(y, min(bottom, top), max(bottom, top))) / (
            top - bottom
        )

    def points(line: Line) -> dict[str, Any]:
        inside = (line.x >= left) & (line.x <= right)
        if line.dots:
            inside &= (line.y >= bottom) & (line.y <= top)
        x, y = across(line.x[inside]), up(line.y[inside])
        bars = []
        if line.spread is not None:
            low, high = up((line.y - line.spread)[inside]), up((line.y + line.spread)[inside])
            bars = [f"M{a:.1f} {b:.1f}V{c:.1f}" for a, b, c in zip(x, low, high, strict=True)]
        return {
            "name": line.name, "dots": line.dots, "bars": "".join(bars),
            "radius": SMALL if len(x) > CLOUD else LARGE, "opacity": 0.55 if len(x) > CLOUD else 1,
            "points": [(f"{one:.1f}", f"{other:.1f}") for one, other in zip(x, y, strict=True)],
        }  # fmt: skip

    lines = [
        {**points(line), "color": pages.line_color(number)}
        for number, line in enumerate(panel.lines)
    ]
    return {
        **frame, "across": panel.across, "up": panel.up, "lines": lines,
        "ends": [f"{value:,.4g}" for value in (left, right, bottom, top)],
        "tall": TOP + HEIGHT + BOTTOM + KEY * len(lines) + 6,
    }  # fmt: skip


def pictured(picture: Picture) -> dict[str, Any]:
    """Where a picture lies in its frame, enlarged by whole numbers where it is small."""
    from PIL import Image

    height, width = picture.pixels.shape[:2]
    scale = min((LEFT + WIDTH) / width, HEIGHT / height)
    if scale > 1:
        scale = int(scale)
    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).save(buffer, "PNG")
    return {
        "address": f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}",
        "across": round(width * scale), "down": round(height * scale), "large": scale > 1,
    }  # fmt: skip


def reach(lines: Sequence[Line]) -> tuple[float, float, float, float]:
    """The least frame around all lines: left, right, bottom, top; no side of length 0."""
    found: list[float] = []
    x = [line.x for line in lines]
    y = [line.y + side for line in lines for side in spreads(line)]
    for values in (x, y):
        joined = np.concatenate(values)
        low, high = float(joined.min()), float(joined.max())
        found += [low, high if high > low else low + 1]
    return found[0], found[1], found[2], found[3]


def spreads(line: Line) -> tuple[Any, ...]:
    """What is drawn beside a line, below and above."""
    return (0.0,) if line.spread is None else (-line.spread, line.spread)
