"""What an experiment is, and what it finds."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from striate.experiments.material import lacking, where

Verdict = Literal["same", "different", "not reachable here"]
Values = NDArray[np.floating[Any]]


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
    """Places x and y (N,), joined by a line or as dots.

    Attributes:
        spread: (N,), drawn as far above and below y.
    """

    name: str
    x: Values
    y: Values
    dots: bool = False
    spread: Values | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """A drawing; without limits as far as its lines reach.

    Attributes:
        across, up: what the axes are; "" where places across have no number.
        limits: left, right, bottom, top.
    """

    title: str
    across: str
    up: str
    lines: Sequence[Line]
    limits: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (H, W) or (H, W, 3), bytes, shown as they are."""

    title: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Result:
    """What an experiment found."""

    rows: Sequence[Row]
    panels: Sequence[Panel | Picture] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the drawings."""
        return {"rows": [asdict(row) for row in self.rows]}


Run = Callable[[bool, int], Result]


@dataclass(frozen=True)
class Experiment:
    """A published result that can be run again.

    Attributes:
        source: the paper or part of the lecture.
        module: below `striate.experiments`.
        needs: sets of the catalog, or folders below the one that STRIATE_DATA names.
        lasts: about so long on two cores, quick and whole.
        function: of the module, or a `Trial` of it; called with `quick` and `seed`.
    """

    name: str
    title: str
    source: str
    module: str
    needs: tuple[str, ...] = ()
    lasts: tuple[str, str] = ("seconds", "seconds")
    function: str = "run"

    def run(self, *, quick: bool = False, seed: int = 0) -> Result:
        """Runs it.

        Args:
            quick: in a fraction of the time, with a verdict that may suffer.
        """
        found: Run = getattr(import_module(f"striate.experiments.{self.module}"), self.function)
        return found(quick, seed)

    def lacks(self) -> Result | None:
        """What is said in place of a result where data are not on this machine."""
        names = lacking(self.needs)
        if not names:
            return None
        return self.unreachable(f"there is no {' and no '.join(names)}: {where(names)}")

    def unreachable(self, why: str) -> Result:
        """What is said in place of a result."""
        return Result([Row(self.title, self.source, "", "not reachable here", why)])
