"""The comparison as one HTML page: no scripts, no network, every name from a file escaped."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from striate import pages
from striate.data import SPLITS
from striate.data.names import epochs, percent
from striate.plain import plain
from striate.progress import stage

if TYPE_CHECKING:
    from striate.comparing.comparison import Comparison
    from striate.comparing.rows import Row

LEFT_OUT, DOUBTS = 200, 60


def write_report(comparison: "Comparison", path: Path) -> Path:
    """Writes the page, whole or not at all; returns its path.

    Raises:
        StorageError: if it cannot be written.
    """
    with stage("report"):
        values = contents(comparison)
    return pages.write_page("striate.comparing", "report.html.jinja", values, path)


def summary(comparison: "Comparison") -> str:
    """Advice and table as a part of a page, for notebooks."""
    return str(pages.fragment("striate.comparing", "summary.html.jinja", _head(comparison)))


def _head(comparison: "Comparison") -> dict[str, Any]:
    """What is said first: advice and table."""
    task, dataset = comparison.task, comparison.dataset
    return {
        "advice": comparison.advice,
        "name": dataset.name,
        "examples": {name: int((dataset.split == k).sum()) for k, name in enumerate(SPLITS)},
        "classes": len(dataset.classes),
        "score_title": task.score_title,
        "columns": [column.heading for column in comparison.columns],
        "rows": [_row(comparison, row) for row in comparison.rows],
    }


def contents(comparison: "Comparison") -> dict[str, Any]:
    """Everything the page says, as plain values and parts that are escaped already."""
    task, dataset = comparison.task, comparison.dataset
    broken = [pair for row in comparison.rows for pair in row.broken]
    left_out = [*((one.name, one.reason) for one in dataset.left_out), *dict.fromkeys(broken)]
    doubts = dataset.targets.pressing
    return {
        **_head(comparison),
        "title": task.title,
        "notes": dataset.notes,
        "curves": [curve for row in comparison.rows if (curve := _curve(comparison, row))],
        "sections": [
            pages.fragment(one.package or task.package, one.template, one.values)
            for one in task.sections(comparison)
        ],
        "doubts": doubts[:DOUBTS],
        "more_doubts": max(0, len(doubts) - DOUBTS),
        "left_out": left_out[:LEFT_OUT],
        "more_left_out": max(0, len(left_out) - LEFT_OUT),
        "stages": [
            {"title": row.title, "name": name, "seconds": seconds}
            for row in comparison.rows
            for name, seconds in row.chosen.learned.seconds.items()
        ],
        "provenance": json.dumps(plain(_provenance(comparison)), indent=1),
    }


def _row(comparison: "Comparison", row: "Row") -> dict[str, Any]:
    low, high = row.interval
    return {
        "title": row.title,
        "best": row.name == comparison.best.name,
        "notes": row.notes,
        "score": percent(row.score),
        "bar": {"width": _share(row.score), "left": _share(low), "length": _share(high - low)},
        "low": f"{100 * low:.1f}",
        "high": f"{100 * high:.1f}",
        "spread": None if row.score_std is None else f"{100 * row.score_std:.1f}",
        "seeds": row.seeds,
        "columns": [
            percent(row.metrics.get(column.metric, float("nan"))) for column in comparison.columns
        ],
        "learning": f"{row.seconds:,.1f}",
        "answering": f"{row.seconds_per_example:.2g}",
        "parameters": f"{row.parameters:,}",
        "memory": f"{row.memory / 1e6:,.0f} MB",
    }


def _share(share: float) -> str:
    """A part of a bar's width, in per cent; nothing where it is not known."""
    return f"{100 * float(np.clip(np.nan_to_num(share), 0, 1)):.1f}"


def _curve(comparison: "Comparison", row: "Row") -> dict[str, Any] | None:
    """A learning curve as points of a drawing 366 wide and 180 high; None without one."""
    history, score = row.chosen.learned.history, comparison.task.score
    known = {line["epoch"]: line[score] for line in history if _finite(line, score)}
    losses = {line["epoch"]: line["loss"] for line in history if _finite(line, "loss")}
    if not known:
        return None
    first, last = history[0]["epoch"], history[-1]["epoch"]
    largest = max((*losses.values(), 1e-9))
    return {
        "title": row.title,
        "first": epochs(first),
        "last": epochs(last),
        "largest": f"{largest:.2f}" if losses else None,
        "score": _points(known, first, last),
        "loss": _points({epoch: loss / largest for epoch, loss in losses.items()}, first, last),
    }


def _finite(line: Mapping[str, float], name: str) -> bool:
    return name in line and bool(np.isfinite(line[name]))


def _points(values: Mapping[float, float], first: float, last: float) -> str:
    """Shares in [0, 1] over epochs, from left to right.

    >>> _points({0: 0.0, 2: 1.0}, 0, 2)
    '40.0,190.0 406.0,10.0'
    """
    step = 366 / ((last - first) or 1)
    return " ".join(f"{40 + step * (k - first):.1f},{190 - 180 * v:.1f}" for k, v in values.items())


def _provenance(comparison: "Comparison") -> dict[str, Any]:
    """How it was made; the history is drawn as curves."""
    known = {row.name: dict(row.recognizer.provenance) for row in comparison.rows}
    for each in known.values():
        each.pop("history", None)
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": platform.platform(),
        "threads": torch.get_num_threads(),
        **known,
    }
