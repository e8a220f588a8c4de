"""striate compare: the main job."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from striate.cli.detection import LEAKS, without_boxes
from striate.cli.detectors import compare_detectors
from striate.cli.options import Data, Json, KeepLeaks, Seed, plain_name, see_writable
from striate.cli.reporter import live_table, say
from striate.cli.show import amount, duration, percent, print_json, print_table, printable, table
from striate.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from striate.approaches import Comparison
    from striate.data import Dataset

HEADS = ("approach", "top-1", "top-5", "seeds", "time", "parameters", "memory", "notes")
NAMED = 10  # of what was left out; the report has all


def compare(
    data: Data,
    approaches: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Which; all of them where not given.", show_default=False),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="How often each runs; 3 for the cheap ones where not given."),
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For the recognizers.", show_default="striate-NAME"),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The HTML page.", show_default="FOLDER/report.html"),
    ] = None,
    task: Annotated[
        Literal["classification", "detection"],
        typer.Option(help="One class an image, or what is where in it."),
    ] = "classification",
    keep_leaks: KeepLeaks = False,
    json: Json = False,
) -> None:
    """Compares four ways to recognize your images, and says which to take.

    handcrafted: visual words and a support vector machine. transfer: a pretrained network's
    features and a new classifier. scratch: a network that learns from your images alone. finetune:
    the pretrained network, all of it learned further. Scores are on test images that no approach
    has seen: a test image that also stands in training is left out of them.

    With --task detection the folder has boxes (PASCAL VOC or COCO) and the ways are dpm (parts on
    gradients), rcnn, yolo and faster_rcnn; what stands in FOLDER from a run that was stopped is
    gone on with.

    \b
    Examples:
        striate compare photos/
        striate compare digits --seeds 1
        striate compare photos/ --approaches transfer,finetune --json
        striate compare cells/ --task detection
    """
    import striate
    from striate.approaches import APPROACHES, comparing

    if task == "detection":
        if seeds not in (None, 1):
            raise UserError(f"--seeds {seeds}: detection runs each method once; leave it out")
        if keep_leaks:
            raise UserError(LEAKS)
        methods = _split(approaches) if approaches is not None else None
        compare_detectors(
            striate.data.open(data, seed=seed), methods=methods, out=out, report=report, seed=seed,
            json=json,
        )  # fmt: skip
        return
    chosen = _split(approaches) if approaches is not None else tuple(APPROACHES)
    dataset = without_boxes(striate.data.open(data, seed=seed))
    folder = out or Path(f"striate-{plain_name(dataset.name)}")
    page = report or folder / "report.html"
    for place in (folder, page.parent):
        see_writable(place)
    with _live(chosen) as show:
        # Saved after every run: who stops here keeps what is done.
        for comparison in comparing(
            dataset, approaches=chosen, seeds=seeds, seed=seed, keep_leaks=keep_leaks
        ):
            recognizers = comparison.save(folder)
            show(comparison)
        page = comparison.report(page)
    if json:
        print_json(comparison.to_json(recognizers=recognizers, report=page))
        return
    _print_all(comparison, recognizers, page)


class Show(Protocol):
    """Shows what is known so far."""

    def __call__(self, comparison: "Comparison", /) -> None: ...


@contextmanager
def _live(chosen: Sequence[str]) -> Iterator[Show]:
    """The table on the terminal, filled in as runs end; in a log, a line for each."""
    with live_table(_table(chosen, None)) as put:

        def show(comparison: "Comparison") -> None:
            outcome = comparison.outcomes[-1]
            seconds = duration(sum(outcome.seconds.values()))
            put(_table(chosen, comparison))
            say(f"{outcome.approach}, seed {outcome.seed}: {percent(outcome.top1)} in {seconds}")

        yield show


def _table(
    chosen: Sequence[str], comparison: "Comparison | None", *, best: str | None = None
) -> "Table":
    """One row for each approach, empty where it has not run."""
    done = {row.approach: row for row in comparison.rows} if comparison else {}
    many = comparison is not None and len(comparison.dataset.classes) > 5
    rows: list[tuple[str, ...]] = []
    for name in dict.fromkeys(chosen):
        if name in done:
            row = done[name]
            rows.append(
                (
                    name,
                    percent(row.top1, row.top1_std),
                    percent(row.top5) if many else "",  # five guesses of five are no feat
                    str(row.seeds),
                    duration(row.seconds),
                    amount(row.parameters),
                    f"{row.memory / 2**20:,.0f} MiB",
                    "; ".join(row.notes),
                )
            )
        else:
            rows.append((name, "...", *("" for _ in HEADS[2:])))
    bold = [number for number, row in enumerate(rows) if row[0] == best]
    return table(HEADS, rows, right=HEADS[1:-1], bold=bold)


def _print_all(comparison: "Comparison", recognizers: dict[str, Path], page: Path) -> None:
    print(printable(_sizes(comparison.dataset)))
    best = comparison.best.approach
    print_table(_table(list(recognizers), comparison, best=best))
    print(printable(comparison.advice))
    dataset = comparison.dataset
    for note in dataset.notes:
        print(f"note: {printable(note)}")
    if dataset.left_out:
        print(f"left out: {len(dataset.left_out)}")
        for each in dataset.left_out[:NAMED]:
            print(f"  {printable(each.name)}: {printable(each.reason)}")
        if len(dataset.left_out) > NAMED:
            print(f"  and {len(dataset.left_out) - NAMED} more: see the report")
    print(f"\nreport:      {printable(str(page))}")
    for name, path in recognizers.items():
        print(f"recognizer:  {printable(str(path))}{'  <- take this' if name == best else ''}")


def _sizes(dataset: "Dataset") -> str:
    train, validation, test = (int(count) for count in dataset.counts().sum(0))
    return (
        f"{dataset.name}: {len(dataset):,} images of {len(dataset.classes)} classes: "
        f"{train:,} to learn from, {validation:,} to choose on, {test:,} to score"
    )


def _split(names: str) -> tuple[str, ...]:
    """`a, b` as two names."""
    return tuple(name.strip() for name in names.split(",") if name.strip())
