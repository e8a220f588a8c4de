"""Methods on one set in one table, with advice."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from striate.comparing.advice import Standing, advise
from striate.comparing.outcome import Outcome
from striate.comparing.rows import Row, rows_of
from striate.data import SPLITS, Dataset, Prepared
from striate.tasks.contract import Column, Task


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is known so far: every finished run, and what follows from them.

    Attributes:
        data: what the methods learned from; what could not be read is in its dataset's `left_out`.
        outcomes: in the order in which they were learned.
    """

    task: Task
    data: Prepared
    outcomes: tuple[Outcome, ...]

    @property
    def dataset(self) -> Dataset[Any]:
        """What is compared on."""
        return self.data.dataset

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of the table, beside the score."""
        return self.task.columns_for(self.dataset)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One a method, in the order in which they were learned."""
        return rows_of(self.outcomes)

    def row(self, name: str) -> Row:
        """That of a method."""
        return next(row for row in self.rows if row.name == name)

    @property
    def best(self) -> Row:
        """The method to take."""
        return self.row(self._advised[0])

    @property
    def advice(self) -> str:
        """One sentence: which method to take, and why."""
        return self._advised[1]

    @cached_property
    def _advised(self) -> tuple[str, str]:
        return advise(
            self.task, [Standing(row.name, row.title, row.scores, row.seconds) for row in self.rows]
        )

    @property
    def table(self) -> str:
        """The rows as text."""
        heads = ["method", self.task.score_title, "95 %", *(one.heading for one in self.columns)]
        lines = [[*heads, "to learn", "an example", "parameters"]]
        for row in self.rows:
            low, high = row.interval
            metrics = [row.metrics.get(one.metric, float("nan")) for one in self.columns]
            lines.append(
                [
                    row.name,
                    f"{row.score:.3f}",
                    f"{low:.3f} to {high:.3f}",
                    *("" if np.isnan(value) else f"{value:.3f}" for value in metrics),
                    f"{row.seconds:.1f} s",
                    f"{row.seconds_per_example:.2g} s",
                    f"{row.parameters:,}",
                ]
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )

    def _repr_html_(self) -> str:
        """Advice and table, as a notebook shows them."""
        from striate.comparing.report import summary

        return summary(self)

    def save(self, folder: str | Path) -> dict[str, Path]:
        """Writes the recognizer of each method, FOLDER/METHOD.safetensors; the paths by method."""
        paths = {row.name: Path(folder) / f"{row.name}.safetensors" for row in self.rows}
        for row in self.rows:
            row.recognizer.save(paths[row.name])
        return paths

    def report(self, path: str | Path) -> Path:
        """Writes one HTML page: table, curves, the task's sections; it needs no network."""
        from striate.comparing.report import write_report

        return write_report(self, Path(path))

    def to_json(
        self, *, recognizers: Mapping[str, Path] | None = None, report: Path | None = None
    ) -> dict[str, Any]:
        """The table as plain values; paths where files were written."""
        files = {name: str(path) for name, path in (recognizers or {}).items()}
        return {
            "task": self.task.name,
            "data": data_to_json(self.dataset),
            "methods": [{**row.to_json(), "recognizer": files.get(row.name)} for row in self.rows],
            "score": self.task.score,
            "best": self.best.name,
            "advice": self.advice,
            "report": str(report) if report else None,
        }


def data_to_json(dataset: Dataset[Any]) -> dict[str, Any]:
    """What was learned from and tested on, what was left out of it and what is doubtful."""
    return {
        "name": dataset.name,
        "classes": list(dataset.classes),
        "examples": {name: int((dataset.split == k).sum()) for k, name in enumerate(SPLITS)},
        "left_out": [{"name": one.name, "reason": one.reason} for one in dataset.left_out],
        "doubts": [
            {"name": one.image, "kind": one.kind, "text": one.text}
            for one in dataset.targets.doubts
        ],
        "notes": list(dataset.notes),
        "fingerprint": dataset.fingerprint(),
    }
