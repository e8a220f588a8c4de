"""What an experiment is, and what it finds."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from striate import pages

Verdict = Literal["same", "different", "not reachable here"]
Values = NDArray[np.floating[Any]]

WIDTH, HEIGHT = 300, 220  # of a panel's frame
LEFT, TOP = 44, 10


@dataclass(frozen=True)
class Row:
    """One number.

    Attributes:
        what: what was measured, and on which data.
        said: by the paper or the lecture, or by theory.
        ours: what was found.
        why: it differs or cannot be reached; "" where it is the same.
    """

    what: str
    said: str
    ours: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, eq=False)
class Line:
    """Places x and y (N,), joined by a line or as dots."""

    name: str
    x: Values
    y: Values
    dots: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """A drawing; without limits as far as its lines reach.

    Attributes:
        across, up: what the axes are.
        limits: left, right, bottom, top.
    """

    title: str
    across: str
    up: str
    lines: Sequence[Line]
    limits: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """What an experiment found."""

    rows: Sequence[Row]
    panels: Sequence[Panel] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the drawings."""
        return {"rows": [asdict(row) for row in self.rows]}


Run = Callable[[bool, int], Result]


@dataclass(frozen=True)
class Experiment:
    """A published result that can be run again.

    Attributes:
        source: the paper or part of the lecture.
        module: below `striate.experiments`, with `run(quick, seed)`.
    """

    name: str
    title: str
    source: str
    module: str

    def run(self, *, quick: bool = False, seed: int = 0) -> Result:
        """Runs it.

        Args:
            quick: in a fraction of the time, with a verdict that may suffer.
        """
        found: Run = import_module(f"striate.experiments.{self.module}").run
        return found(quick, seed)


def write(experiment: Experiment, result: Result, path: Path) -> Path:
    """The table and the drawings as a page; returns its path.

    Raises:
        StorageError: if it cannot be written.
    """
    values = {
        "experiment": experiment, "rows": result.rows, "panels": list(map(drawn, result.panels)),
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "top": TOP,
    }  # fmt: skip
    return pages.write_page("striate.experiments", "page.html.jinja", values, path)


def drawn(panel: Panel) -> dict[str, Any]:
    """A panel in the coordinates of its drawing."""
    left, right, bottom, top = panel.limits or reach(panel.lines)

    def placed(line: Line) -> list[str]:
        x = LEFT + WIDTH * (line.x - left) / (right - left)
        y = TOP + HEIGHT * (top - line.y) / (top - bottom)
        inside = (x >= LEFT) & (x <= LEFT + WIDTH) & (y >= TOP - 1) & (y <= TOP + HEIGHT + 1)
        return [f"{one:.1f},{other:.1f}" for one, other in zip(x[inside], y[inside], strict=True)]

    return {
        "title": panel.title, "across": panel.across, "up": panel.up,
        "lines": [
            {"name": line.name, "color": pages.line_color(number), "dots": line.dots,
             "points": placed(line)}
            for number, line in enumerate(panel.lines)
        ],
        "ends": [f"{value:,.4g}" for value in (left, right, bottom, top)],
    }  # fmt: skip


def reach(lines: Sequence[Line]) -> tuple[float, float, float, float]:
    """The least frame around all lines: left, right, bottom, top; no side of length 0."""
    found: list[float] = []
    for values in ([line.x for line in lines], [line.y for line in lines]):
        joined = np.concatenate(values)
        low, high = float(joined.min()), float(joined.max())
        found += [low, high if high > low else low + 1]
    return found[0], found[1], found[2], found[3]
