"""What `compare` and `evaluate` do where things are found in pictures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from striate.cli.detection import print_measured, tell_doubts, with_boxes
from striate.cli.options import plain_name, see_writable
from striate.cli.reporter import live_table, say
from striate.cli.show import amount, duration, percent, print_json, print_table, printable, table
from striate.errors import DataError, UserError

if TYPE_CHECKING:
    from rich.table import Table

    from striate.data import BoxedDataset, Dataset
    from striate.tasks.detection import Comparison, Measured


def compare_detectors(
    data: "Dataset", *, methods: Sequence[str] | None, out: Path | None, report: Path | None,
    seed: int, json: bool,
) -> None:  # fmt: skip
    """Learns each method on the set, and says which to take."""
    from striate.tasks.detection import COMPARED, comparing

    data = with_boxes(data)
    chosen = COMPARED if methods is None else tuple(methods)
    folder = out or Path(f"striate-{plain_name(data.name)}-detection")
    page = report or folder / "report.html"
    for place in (folder, page.parent):
        see_writable(place)
    tell_doubts(data)
    with _live(chosen, data) as show:
        for comparison in comparing(data, methods=chosen, folder=folder, seed=seed):
            show(comparison)
        page = comparison.report(page)
    recognizers = {row.name: folder / f"{row.name}.safetensors" for row in comparison.rows}
    if json:
        print_json(comparison.to_json(recognizers=recognizers, report=page))
        return
    best = comparison.best.name
    print(printable(_sizes(comparison.data)))
    print_table(_table(chosen, data, comparison, best=best))
    for row in comparison.rows:
        for note in row.notes:
            print(f"{row.title}: {printable(note)}")
    for note in comparison.data.notes:
        print(f"note: {printable(note)}")
    print(printable(comparison.advice))
    print(f"\nreport:      {printable(str(page))}")
    for name, path in recognizers.items():
        print(f"recognizer:  {printable(str(path))}{'  <- take this' if name == best else ''}")


class Show(Protocol):
    """Shows what is known so far."""

    def __call__(self, comparison: "Comparison", /) -> None: ...


@contextmanager
def _live(chosen: Sequence[str], data: "BoxedDataset") -> Iterator[Show]:
    """The table on the terminal, filled in as methods end; in a log, a line for each."""
    with live_table(_table(chosen, data, None)) as put:

        def show(comparison: "Comparison") -> None:
            row = comparison.rows[-1]
            put(_table(chosen, data, comparison))
            say(
                f"{row.name}: mean average precision {percent(row.map50)}, learned in "
                f"{duration(row.learning)}, {row.seconds:.2g} s an image"
            )

        yield show


def _table(
    chosen: Sequence[str],
    data: "BoxedDataset",
    comparison: "Comparison | None",
    *,
    best: str | None = None,
) -> "Table":
    """One row for each method, empty where it has not run."""
    heads = ("method", "mAP@0.5", "95 %", *data.classes, "an image", "to learn", "parameters")
    done = {row.name: row for row in comparison.rows} if comparison else {}
    rows: list[tuple[str, ...]] = []
    for name in dict.fromkeys(chosen):
        if name not in done:
            rows.append((name, "...", *("" for _ in heads[2:])))
            continue
        row = done[name]
        rows.append(
            (
                name,
                percent(row.map50),
                f"{100 * row.low:.1f} to {100 * row.high:.1f}",
                *("" if value != value else percent(value) for value in row.classes.values()),
                f"{row.seconds:.2g} s",
                duration(row.learning),
                amount(row.parameters),
            )
        )
    bold = [number for number, line in enumerate(rows) if line[0] == best]
    return table(heads, rows, right=heads[1:], bold=bold)


def _sizes(data: "BoxedDataset") -> str:
    train, validation, test = (int((data.split == number).sum()) for number in range(3))
    return (
        f"{data.name}: {len(data):,} images, {int(data.counts().sum()):,} things of "
        f"{len(data.classes)} classes: {train:,} images to learn from, {validation:,} to choose "
        f"on, {test:,} to score"
    )


def evaluate_detectors(models: Sequence[str], data: "Dataset", *, split: str, json: bool) -> None:
    """Scores detectors on a set with boxes."""
    from striate.tasks.detection import measured
    from striate.tasks.detection.exported import detector_in

    data = with_boxes(data)
    rows = [row for row in range(len(data)) if in_split(data, row, split)]
    if not rows:
        raise DataError(f"{data.name}: the {split} split has no image")
    detectors = []
    for model in models:
        if (detector := detector_in(model)) is None:
            raise UserError(f"{model} is no detector; recognizers are scored apart from detectors")
        detectors.append(detector)
    numbers = [_numbers(detector.classes, data, model)
               for detector, model in zip(detectors, models, strict=True)]  # fmt: skip
    results: list[dict[str, Any]] = []
    for model, detector, names in zip(models, detectors, numbers, strict=True):
        found = measured(detector.finder, data, rows, numbers=names)
        low, high = _interval(found)
        about = {"model": model, "data": data.name, "split": split, "interval": [low, high]}
        results.append({**about, **found.to_json()})
        if not json:
            print(printable(model) if len(models) > 1 else f"{printable(data.name)}, {split}")
            print_measured(found, split)
            print(f"  95 %: {percent(low)} to {percent(high)}")
            for kind, count in results[-1]["mistakes"].items():
                print(f"  {kind.replace('_', ' ')}: {count}")
    if json:
        print_json(results[0] if len(results) == 1 else {"models": results})


def in_split(data: "BoxedDataset", row: int, split: str) -> bool:
    """Whether an image belongs to a split by its name; "all" are those of any."""
    from striate.data import SPLITS

    number = int(data.split[row])
    return number >= 0 if split == "all" else number == SPLITS.index(split)


def _interval(found: "Measured") -> tuple[float, float]:
    from striate.evaluation.detection_intervals import interval

    return interval(found.judged)


def _numbers(classes: tuple[str, ...], data: "BoxedDataset", model: str) -> list[int]:
    """For each class of a detector its number in the set, -1 where the set has none such."""
    if not set(classes) & set(data.classes):
        raise DataError(
            f"{model} finds {', '.join(map(repr, classes[:6]))}; of these {data.name} has none, "
            f"but {', '.join(map(repr, data.classes[:6]))}"
        )
    return [data.classes.index(name) if name in data.classes else -1 for name in classes]
