"""Ways to detect on one set, in one table, with advice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from striate.data import SPLITS
from striate.data.boxes import BoxedDataset
from striate.data.dataset import TEST
from striate.errors import DataError
from striate.evaluation.detection_intervals import interval, lead
from striate.tasks.detection.asking import Ask
from striate.tasks.detection.detector import Detector, is_detector
from striate.tasks.detection.learning import (
    COMPARED,
    Outcome,
    begun,
    learn_from,
    learned_before,
    method_of,
    sound,
)
from striate.tasks.detection.measuring import Measured


@dataclass(frozen=True)
class Row:
    """A method in the table.

    Attributes:
        map50: mean average precision at an overlap of 0.5 on the test images, with the interval
            that other images of the kind would give (`low` to `high`, 95 %).
        classes: average precision of each class.
        seconds: to find what is in one image.
        learning: seconds.
    """

    name: str
    title: str
    map50: float
    low: float
    high: float
    classes: dict[str, float]
    seconds: float
    learning: float
    parameters: int
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is known so far: every method that has run."""

    data: BoxedDataset
    outcomes: tuple[Outcome, ...]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(outcome) for outcome in self.outcomes)

    @property
    def best(self) -> Outcome:
        """The one to take: the most precise, or the fastest of those it is not clearly ahead of."""
        return self._advised[0]

    @property
    def advice(self) -> str:
        """One sentence: which to take and why."""
        return self._advised[1]

    @cached_property
    def _advised(self) -> tuple[Outcome, str]:
        order = sorted(self.outcomes, key=lambda one: -tested(one).map50)
        top = order[0]
        score = tested(top).map50
        if len(order) == 1:
            return top, f"{top.method.title} has a mean average precision of {score:.1%}."
        leads = {one.name: lead(tested(top).judged, tested(one).judged) for one in order[1:]}
        level = [top, *(one for one in order[1:] if leads[one.name][0] <= 0)]
        take = min(level, key=lambda one: tested(one).seconds)
        second = order[1]
        if take is top:
            low, high = (100 * end for end in leads[second.name])
            ahead = 100 * (score - tested(second).map50)
            end = (
                "take it." if len(level) == 1 else "level, but nothing as good is as fast: take it."
            )
            return top, (
                f"{top.method.title} is {ahead:.1f} points of mean average precision ahead of "
                f"{second.method.title} (95 %: {low:.1f} to {high:.1f}): {end}"
            )
        low, high = (100 * end for end in leads[take.name])
        behind = 100 * (score - tested(take).map50)
        times = tested(top).seconds / max(tested(take).seconds, 1e-9)
        return take, (
            f"{take.method.title} is {behind:.1f} points of mean average precision behind "
            f"{top.method.title}, which other images may turn round (95 %: {low:.1f} to "
            f"{high:.1f}), and {times:.1f} times as fast: take it."
        )

    def report(self, path: str | Path) -> Path:
        """Writes one HTML page with table, curves, boxes and mistakes; it needs no network."""
        from striate.tasks.detection.report import write_report

        return write_report(self, Path(path))

    def to_json(
        self, *, recognizers: dict[str, Path] | None = None, report: Path | None = None
    ) -> dict[str, Any]:
        """The table as plain values; paths where files were written."""
        data = self.data
        return {
            "task": "detection",
            "data": {
                "name": data.name,
                "classes": list(data.classes),
                "images": {n: int((data.split == k).sum()) for k, n in enumerate(SPLITS)},
                "left_out": [{"name": o.name, "reason": o.reason} for o in data.left_out],
                "doubts": len(data.doubts),
                "notes": list(data.notes),
                "fingerprint": data.fingerprint(),
            },
            "methods": [
                {
                    "method": row.name,
                    "interval": [row.low, row.high],
                    "seconds_to_learn": row.learning,
                    "stages": outcome.learned.seconds,
                    "parameters": row.parameters,
                    "validation": outcome.learned.validation,
                    "notes": list(row.notes),
                    "recognizer": str(recognizers[row.name]) if recognizers else None,
                    **tested(outcome).to_json(),
                }
                for row, outcome in zip(self.rows, self.outcomes, strict=True)
            ],
            "best": self.best.name,
            "advice": self.advice,
            "report": str(report) if report else None,
        }


def comparing(
    data: BoxedDataset,
    *,
    methods: Sequence[str] = COMPARED,
    folder: Path | None = None,
    seed: int = 0,
) -> Iterator[Comparison]:
    """Learns and tests one method after the other; yields what is known after each.

    Args:
        methods: names as `learn` takes them.
        folder: for each method's run and recognizer; a method that stands there already, learned
            from the same images with the same seed by the same version, is tested, not learned
            again, and a run that was stopped goes on.

    Raises:
        DataError, UnknownName, MissingExtra: before anything is learned.
    """
    chosen = tuple(dict.fromkeys(methods))
    if not chosen:
        raise DataError("a comparison needs at least one method")
    for name in chosen:
        method, backbone = method_of(name)
        method.prepare(backbone, Ask().weights)
    data = sound(data)
    if not (data.split == TEST).any():
        raise DataError(f"{data.name}: no test image to compare on")
    outcomes: tuple[Outcome, ...] = ()
    for name in chosen:
        outcomes += (_learned(data, name, folder, seed),)
        yield Comparison(data, outcomes)


def _learned(data: BoxedDataset, name: str, folder: Path | None, seed: int) -> Outcome:
    """What the folder holds of it, or what is learned now and kept there."""
    if folder is None:
        return learn_from(data, name, Ask(seed=seed))
    path = folder / f"{name}.safetensors"
    if is_detector(path):
        detector = Detector.load(path)
        if (known := learned_before(detector, data, name, seed)) is not None:
            return known
        raise DataError(
            f"{path} was learned from other images, with another seed or by another version; "
            "give another --out, or move it away"
        )
    run = folder / name
    ask = Ask(folder=run, resume=begun(run), seed=seed)
    outcome = learn_from(data, name, ask)
    outcome.detector.save(path)
    return outcome


def tested(outcome: Outcome) -> Measured:
    """What the test images said; a comparison has some."""
    assert outcome.measured is not None
    return outcome.measured


def _row(outcome: Outcome) -> Row:
    found = tested(outcome)
    low, high = interval(found.judged)
    return Row(
        outcome.name,
        outcome.method.title,
        found.map50,
        low,
        high,
        found.average_precisions,
        found.seconds,
        outcome.seconds,
        outcome.detector.finder.parameters,
        outcome.learned.notes,
    )
