"""The main job: the four approaches on one set of images, in one table, with advice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate.approaches.advice import advise
from striate.approaches.outcome import Ask, Outcome
from striate.approaches.run import APPROACHES, named, run_approach
from striate.checking import trusted
from striate.data import SPLITS, Dataset, Decoded, decode
from striate.data import open as open_data
from striate.errors import DataError
from striate.recognizer import Recognizer

CHEAP_SEEDS = 3  # where the person does not say; the other approaches run once


@dataclass(frozen=True)
class Row:
    """An approach in the table: means over its seeds; the spread is the deviation between them."""

    approach: str
    title: str
    top1: float
    top1_std: float | None
    top5: float
    seconds: float
    seeds: int
    parameters: int
    memory: int
    notes: tuple[str, ...]
    recognizer: Recognizer


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is known so far: every finished run, and what follows from them."""

    data: Decoded
    outcomes: tuple[Outcome, ...]

    @property
    def dataset(self) -> Dataset:
        """The images compared on; what could not be read is in its `left_out`."""
        return self.data.dataset

    @property
    def groups(self) -> dict[str, tuple[Outcome, ...]]:
        """The runs of each approach, in the table's order."""
        names = dict.fromkeys(outcome.approach for outcome in self.outcomes)
        return {n: tuple(o for o in self.outcomes if o.approach == n) for n in names}

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(name, outcomes) for name, outcomes in self.groups.items())

    @property
    def best(self) -> Row:
        """The approach to take."""
        name, _ = self._advised
        return next(row for row in self.rows if row.approach == name)

    @property
    def advice(self) -> str:
        """One sentence: which to take and why."""
        return self._advised[1]

    @property
    def _advised(self) -> tuple[str, str]:
        titles = {name: APPROACHES[name].title for name in self.groups}
        return advise(dict(self.groups), titles)

    @property
    def table(self) -> str:
        """The rows as text."""
        lines = [
            f"{'approach':<14}{'top-1':>8}{'±':>7}{'top-5':>8}{'seconds':>9}{'parameters':>12}"
        ]
        for row in self.rows:
            spread = "" if row.top1_std is None else f"{row.top1_std:.3f}"
            lines.append(
                f"{row.approach:<14}{row.top1:>8.3f}{spread:>7}{row.top5:>8.3f}"
                f"{row.seconds:>9.1f}{row.parameters:>12,}"
            )
        return "\n".join(lines)

    def save(self, folder: str | Path) -> dict[str, Path]:
        """Writes each approach's recognizer into a folder; the paths by approach."""
        paths = {row.approach: Path(folder) / f"{row.approach}.safetensors" for row in self.rows}
        for row in self.rows:
            row.recognizer.save(paths[row.approach])
        return paths

    def report(self, path: str | Path) -> Path:
        """Writes one HTML page with table, curves, confusion and mistakes; it needs no network."""
        from striate.approaches.report import write_report

        return write_report(self, Path(path))

    def to_json(
        self, *, recognizers: dict[str, Path] | None = None, report: Path | None = None
    ) -> dict[str, Any]:
        """The table as plain values; paths where files were written."""
        dataset = self.dataset
        return {
            "data": {
                "name": dataset.name,
                "classes": list(dataset.classes),
                "images": {n: int((dataset.split == k).sum()) for k, n in enumerate(SPLITS)},
                "left_out": [{"name": o.name, "reason": o.reason} for o in dataset.left_out],
                "notes": list(dataset.notes),
                "fingerprint": dataset.fingerprint(),
            },
            "approaches": [
                {
                    "approach": row.approach,
                    "top1": row.top1,
                    "top1_std": row.top1_std,
                    "top5": row.top5,
                    "seconds": row.seconds,
                    "seeds": row.seeds,
                    "parameters": row.parameters,
                    "memory": row.memory,
                    "recognizer": str(recognizers[row.approach]) if recognizers else None,
                }
                for row in self.rows
            ],
            "best": self.best.approach,
            "advice": self.advice,
            "report": str(report) if report else None,
        }


def compare(
    data: Dataset | str | Path,
    *,
    approaches: Sequence[str] = tuple(APPROACHES),
    seeds: int | None = None,
    seed: int = 0,
    keep_leaks: bool = False,
) -> Comparison:
    """Compares approaches on the same split of the same images.

    Args:
        data: a set, or what `striate.data.open` takes.
        seeds: how often each runs; where None, CHEAP_SEEDS times for the cheap ones and else once.
        seed: the first of them.
        keep_leaks: score test images too that also stand in training.
    """
    dataset = data if isinstance(data, Dataset) else open_data(data, seed=seed)
    *_, last = comparing(
        dataset, approaches=approaches, seeds=seeds, seed=seed, keep_leaks=keep_leaks
    )
    return last


def comparing(
    dataset: Dataset,
    *,
    approaches: Sequence[str] = tuple(APPROACHES),
    seeds: int | None = None,
    seed: int = 0,
    keep_leaks: bool = False,
) -> Iterator[Comparison]:
    """As `compare`, but yields what is known after every run.

    All see the same test images, of which those that also stand in training are not scored. A
    validation split that striate drew itself is drawn anew for every further seed, so that the
    spread tells of that choice too.

    Raises:
        DataError, UnknownName, MissingExtra: before anything is learned.
    """
    methods = {name: named(name) for name in dict.fromkeys(approaches)}
    if not methods or (seeds is not None and seeds < 1):
        raise DataError("a comparison needs at least one approach and one seed")
    for method in methods.values():
        method.prepare(None)
    decoded = decode(dataset, [method.view(dataset, None) for method in methods.values()])
    data = trusted(decoded, keep_leaks=keep_leaks)
    drawn = {seed: data}  # approaches share a draw, and with it what is remembered of its images
    outcomes: tuple[Outcome, ...] = ()
    for name, method in methods.items():
        for number in range(seed, seed + (seeds or (CHEAP_SEEDS if method.cheap else 1))):
            if number not in drawn:
                drawn[number] = _redrawn(data, number)
            outcomes += (run_approach(name, drawn[number], Ask(seed=number)),)
            yield Comparison(data, outcomes)


def _redrawn(data: Decoded, seed: int) -> Decoded:
    """The same pixels with the validation split drawn anew, where striate drew it."""
    if "validation" not in data.dataset.drawn:
        return data
    return Decoded(data.dataset.redraw(seed), data.pixels)


def _row(name: str, outcomes: Sequence[Outcome]) -> Row:
    top1 = [outcome.top1 for outcome in outcomes]
    best = max(outcomes, key=lambda outcome: outcome.top1)
    return Row(
        name,
        APPROACHES[name].title,
        float(np.mean(top1)),
        float(np.std(top1, ddof=1)) if len(top1) > 1 else None,
        float(np.mean([outcome.top5 for outcome in outcomes])),
        float(np.mean([sum(outcome.seconds.values()) for outcome in outcomes])),
        len(outcomes),
        best.parameters,
        max(outcome.memory for outcome in outcomes),
        best.notes,
        best.recognizer,
    )
