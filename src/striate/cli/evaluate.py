"""striate evaluate: how good recognizers are on a dataset."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from striate.cli.options import (
    BatchSize,
    Crops,
    Dense,
    Device,
    Json,
    Offsets,
    Places,
    Scales,
    Seed,
    windows,
)
from striate.cli.show import percent, print_json, print_table, printable, table
from striate.errors import UserError

if TYPE_CHECKING:
    from striate.comparing.evaluating import Evaluation

NAMED = 10  # of the inputs that were not scored, in text; JSON has all


def evaluate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL... DATA",
            help="Recognizers, exports or names of published networks, and last a folder, a list "
            "or a catalog name.",
            show_default=False,
        ),
    ],
    split: Annotated[
        Literal["train", "validation", "test", "all"] | None,
        typer.Option(help="The part to score.", show_default="test; all where there is no test"),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Score the mean of all recognizers, not each.")
    ] = False,
    crops: Crops = None,
    scales: Scales = "",
    dense: Dense = False,
    offsets: Offsets = False,
    places: Places = "mean",
    tree: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Classes above classes: lines of class<tab>class above it."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of the network that judges, where none are published.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    batch_size: BatchSize = 64,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Scores recognizers with 95 % intervals; several are compared with the best of them.

    The comparison is paired: all are scored on the same examples. Where a folder has no test/ of
    its own, a fifth of it is drawn by the seed; give the seed that the recognizer was trained with,
    or it is scored on what it learned from. A folder of labeled pictures that is new to MODEL
    needs no training split: --split all scores all of it.

    --ensemble, --tree and windows (--crops to --places) are for recognizers of labels. 10 crops are
    AlexNet's, 50 VGG's, 144 GoogLeNet's; --dense --offsets --places max is OverFeat's evaluation.

    \b
    Examples:
        striate evaluate striate-photos/finetune.safetensors photos/
        striate evaluate striate-photos/*.safetensors photos/
        striate evaluate a.safetensors b.safetensors photos/ --ensemble --crops 10 --json
        striate evaluate photos.safetensors new-photos/ --split all --tree animals.txt
        striate evaluate cells.safetensors cells/
    """
    from striate import recognizer
    from striate.comparing import evaluating
    from striate.tasks import opening

    *models, data = paths
    if not models:
        raise UserError(
            f"evaluate needs MODEL and DATA: striate evaluate photos.safetensors {data}"
        )
    options = windows(crops, scales, dense, offsets, places)
    own = {"ensemble": ensemble, "tree": tree, "weights": weights}
    options |= {name: one for name, one in own.items() if one}
    recognizers = {model: recognizer.named(model, device=device) for model in models}
    task = next(iter(recognizers.values())).task
    task.own_options("evaluate", options)  # before the data is read
    dataset = opening.open(data, task=task.name, seed=seed, learn=False)
    found = evaluating.evaluate(
        recognizers, dataset, split=split, options=options, batch_size=batch_size
    )
    for note in found.notes:
        print(printable(f"note: {note}"), file=sys.stderr)
    if json:
        print_json(found.to_json())
    else:
        show(found)


def show(found: "Evaluation") -> None:
    """The scores for people: of one recognizer everything, of several a line each."""
    from striate.data.names import counted

    title = found.task.score_title
    first = next(iter(found.scores.values()))
    lines = list(first.lines())  # before anything is printed, for it may compute much
    part = "all of it" if found.split == "all" else found.split
    print(printable(f"{found.dataset.name}, {part}: {counted(first.examples, first.drawn)}"))
    if len(found.scores) == 1:
        low, high = first.interval
        print(f"{title} {percent(first.value)} (95 %: {percent(low)} to {percent(high)})")
        for line in lines:
            print(printable(line))
    else:
        show_several(found)
    left_out: list[tuple[str, str]] = [(o.name, o.reason) for o in found.dataset.left_out]
    left_out += first.broken
    if left_out:
        print(f"left out: {len(left_out)}")
        for name, reason in left_out[:NAMED]:
            print(printable(f"  {name}: {reason}"))
        if len(left_out) > NAMED:
            print(f"  and {len(left_out) - NAMED} more; --json names them all")


def show_several(found: "Evaluation") -> None:
    """A table with a line for each recognizer."""
    columns = found.task.columns_for(found.dataset)
    heads = (
        "model",
        found.task.score_title,
        "95 %",
        "behind the best",
        *(c.heading for c in columns),
    )
    body: list[tuple[str, ...]] = []
    for name, scores in found.scores.items():
        low, high = scores.interval
        metrics: Any = scores.metrics
        body.append(
            (
                name,
                percent(scores.value),
                f"{percent(low)} to {percent(high)}",
                points(found.behind(name)),
                *(percent(metrics.get(column.metric)) for column in columns),
            )
        )
    print_table(table(heads, body, right=heads[1:]))


def points(behind: tuple[float, tuple[float, float]] | None) -> str:
    """`2.1 (0.4 to 3.9) points`.

    >>> points((0.021, (0.004, 0.039))), points(None)
    ('2.1 (0.4 to 3.9) points', '')
    """
    if behind is None:
        return ""
    value, (low, high) = behind
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f}) points"
