"""striate compare: the main job."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from striate.cli import reporter
from striate.cli.importing import importing
from striate.cli.options import (
    Data,
    Device,
    Json,
    KeepLeaks,
    MaxImages,
    Network,
    Painting,
    RecipeName,
    Seed,
    Settings,
    Task,
    TimeLimit,
    Weights,
    command_line,
    own,
    plain_name,
    see_writable,
    weights_of,
)
from striate.cli.reporter import live_table, say
from striate.cli.show import (
    amount,
    fitting,
    percent,
    print_doubts,
    print_json,
    print_sizes,
    print_table,
    printable,
    table,
)
from striate.progress import duration

if TYPE_CHECKING:
    from rich.table import Table

    from striate import tasks
    from striate.comparing import Comparison, Expected, Row
    from striate.tasks.contract import Column


WORTH_SAYING = 60.0  # seconds


def compare(
    data: Data,
    task: Task = None,
    methods: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Which.", show_default="those that suit the task"),
    ] = None,
    network: Network = None,
    weights: Weights = "published",
    recipe: RecipeName = None,
    settings: Settings = None,
    time_limit: TimeLimit = None,
    painting: Painting = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, help="How often each method learns.", show_default="1, or 3 where it is quick"
        ),
    ] = None,
    seed: Seed = 0,
    fold: Annotated[
        str | None,
        typer.Option(
            metavar="K/N",
            help="The K-th of N parts is the test, as in 1/10: cross-validation is one call for "
            "each.",
            show_default="the data's own split",
        ),
    ] = None,
    max_images: MaxImages = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="For runs and recognizers.", show_default="striate-NAME"
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The HTML page.", show_default="FOLDER/report.html"),
    ] = None,
    device: Device = "auto",
    keep_leaks: KeepLeaks = False,
    json: Json = False,
) -> None:
    """Compares methods on your data, and says which to take.

    Each method learns from the training examples, makes its choices on the validation examples, and
    is scored on the test examples, which it has not seen. There are hand-crafted features, features
    of a pretrained network, networks trained from scratch and networks that are fine-tuned; which
    methods those are depends on what the data is marked with (--methods list names them all).

    A comparison that was stopped goes on where it was when the same command is given again.

    Processes that torchrun starts share every batch of what learns by steps; the first does the
    rest. With --max-restarts, torchrun starts them again where one was killed, and they go on.

    \b
    Examples:
        striate compare photos/
        striate compare digits --seeds 1
        striate compare opinions.tsv --weights glove.txt
        striate compare photos/ --network resnet50 --time-limit 600
        striate compare photos/ --methods transfer,finetune --json
        for k in 1 2 3 4 5; do striate compare opinions.tsv --fold $k/5 --json; done
        torchrun --nproc-per-node 4 -m striate compare photos/
    """
    with importing():
        from striate.comparing import Wishes, comparisons
        from striate.data.folding import fold_of
        from striate.inference import on_device
        from striate.tasks import opening
        from striate.training import group

    dataset = opening.open(data, task=task, seed=seed)
    known = opening.task_of(dataset, task)
    if methods == "list":
        _list(known, json=json)
        return
    chosen = known.compared if methods is None else _split(methods)
    if fold is not None:
        dataset = fold_of(dataset, fold, seed=seed)
    if max_images is not None:
        dataset = dataset.at_most(max_images, seed).learnable(dataset.name)
    folder = out or Path(f"striate-{plain_name(dataset.name)}")
    page = report or folder / "report.html"
    for place in (folder, page.parent):
        see_writable(place)
    options = known.own_options("train", own(painting=painting))
    wishes = Wishes(
        network, weights_of(weights), recipe, seconds=time_limit, settings=tuple(settings or ()),
        own=options,
    )  # fmt: skip
    known_so_far = comparisons(
        dataset, known, chosen, wishes=wishes, seeds=seeds, seed=seed, keep_leaks=keep_leaks,
        folder=folder, announce=_announce,
    )  # fmt: skip
    try:
        with (
            group.joined(), on_device(device),
            _live(known, chosen, known.columns_for(dataset)) as show,
        ):  # fmt: skip
            for comparison in known_so_far:
                show(comparison)
            if group.rank():
                return
            comparison.report(page)
    except KeyboardInterrupt:
        if reporter.first() and any(folder.glob("*/seed-*")):
            given = {
                "task": task, "methods": methods, "network": network, "weights": weights,
                "recipe": recipe, "set": settings, "time-limit": time_limit, "seeds": seeds,
                "seed": seed, "fold": fold, "max-images": max_images, "out": folder,
                "report": report, "device": device, **options,
                "keep-leaks": keep_leaks,
            }  # fmt: skip
            usual = {"weights": "published", "seed": 0, "device": "auto"}
            asked = {name: one for name, one in given.items() if usual.get(name) != one}
            again = command_line("compare", data, asked)
            print(f"saved; to go on: {printable(again)}", file=sys.stderr)
        raise
    recognizers = {row.name: folder / f"{row.name}.safetensors" for row in comparison.rows}
    if json:
        print_json(comparison.to_json(recognizers=recognizers, report=page))
        return
    _print_all(comparison, recognizers, page)


def _list(task: "tasks.Task", *, json: bool) -> None:
    """The methods there are, and the networks that each can learn on."""
    rows = [
        {
            "method": name,
            "title": one.title,
            "approach": one.approach,
            "networks": list(one.networks),
            "compared": name in task.compared,
        }
        for name, one in task.methods.items()
    ]
    if json:
        print_json({"task": task.name, "methods": rows})
        return
    heads = ("method", "", "approach", "compared", "networks")
    lines = [
        (name, one.title, one.approach, "yes" if name in task.compared else "",
         ", ".join(one.networks))
        for name, one in task.methods.items()
    ]  # fmt: skip
    print_table(table(heads, lines))


def _announce(methods: "Sequence[Expected]") -> None:
    """Says what learning will take, where that is worth waiting for or nobody knows."""
    known = {one.title: one.seconds for one in methods if one.seconds is not None}
    unknown = [one.title for one in methods if one.seconds is None]
    total = sum(known.values())
    if not methods or (total < WORTH_SAYING and not unknown):
        return
    words = []
    if known:
        each = ", ".join(f"{title} {duration(seconds)}" for title, seconds in known.items())
        words.append(
            f"learning takes about {duration(total)} here, beside solving classifiers ({each})"
        )
    if unknown:
        words.append(f"how long these take is not known beforehand: {', '.join(unknown)}")
    if not any(one.bounded for one in methods):
        words.append("--time-limit bounds what learns by steps")
    print(printable("; ".join(words)), file=sys.stderr, flush=True)


class Show(Protocol):
    """Shows what is known so far."""

    def __call__(self, comparison: "Comparison", /) -> None: ...


@contextmanager
def _live(task: "tasks.Task", chosen: Sequence[str], columns: "Sequence[Column]") -> Iterator[Show]:
    """The table on the terminal, filled in as runs end; in a log, a line for each."""
    with live_table(_table(task, chosen, columns, ())) as put:

        def show(comparison: "Comparison") -> None:
            last = comparison.outcomes[-1]
            put(_table(task, chosen, comparison.columns, comparison.rows))
            score = percent(last.scores.value if last.scores else None)
            say(
                f"{last.name}, seed {last.seed}: {task.score_title} {score}, learned in "
                f"{duration(last.seconds)}"
            )

        yield show


def _table(
    task: "tasks.Task",
    chosen: Sequence[str],
    columns: "Sequence[Column]",
    done: "Sequence[Row]",
    *,
    best: str | None = None,
) -> "Table":
    """One row for each method, empty where it has not run; of the task's columns as many as fit."""
    return fitting(lambda shown: _rows(task, chosen, columns[:shown], done, best), len(columns))


def _rows(
    task: "tasks.Task",
    chosen: Sequence[str],
    columns: "Sequence[Column]",
    done: "Sequence[Row]",
    best: str | None,
) -> "Table":
    heads = (
        "method", task.score_title, "95 %", *(one.heading for one in columns), "to learn",
        "an example", "seeds", "parameters", "memory", "notes",
    )  # fmt: skip
    known = {row.name: row for row in done}
    lines = [
        _cells(known[name], columns) if name in known else (name, "...", *[""] * (len(heads) - 2))
        for name in dict.fromkeys(chosen)
    ]
    bold = [number for number, line in enumerate(lines) if line[0] == best]
    return table(heads, lines, right=heads[1:-1], bold=bold)


def _cells(row: "Row", columns: "Sequence[Column]") -> tuple[str, ...]:
    low, high = row.interval
    return (
        row.name,
        percent(row.score, row.score_std),
        f"{100 * low:.1f} to {100 * high:.1f}",
        *(percent(row.metrics.get(one.metric)) for one in columns),
        duration(row.seconds),
        f"{row.seconds_per_example:.2g} s",
        str(row.seeds),
        amount(row.parameters),
        f"{row.memory / 2**20:,.0f} MiB",
        "; ".join(row.notes),
    )


def _print_all(comparison: "Comparison", recognizers: dict[str, Path], page: Path) -> None:
    print_sizes(comparison.dataset)
    best = comparison.best.name
    print_table(
        _table(comparison.task, list(recognizers), comparison.columns, comparison.rows, best=best)
    )
    print(printable(comparison.advice))
    print_doubts(comparison.dataset)
    print(f"\nreport:      {printable(str(page))}")
    for name, path in recognizers.items():
        print(f"recognizer:  {printable(str(path))}{'  <- take this' if name == best else ''}")


def _split(names: str) -> tuple[str, ...]:
    """`a, b` as two names."""
    return tuple(name.strip() for name in names.split(",") if name.strip())
