"""striate evaluate: how good recognizers are on a dataset."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from striate.cli.importing import importing
from striate.cli.options import (
    Alpha,
    BatchSize,
    Crops,
    Dense,
    Device,
    Expand,
    Json,
    Offsets,
    Places,
    Scales,
    Seed,
    expansion_of,
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
    expand: Expand = None,
    alpha: Alpha = None,
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

    An index of striate index stands in MODEL's place, too: DATA is then what should be found:
    "folders" (each picture finds those of its folder), "holidays", a .csv of image and group, or a
    folder of Oxford's files. --expand and --alpha are for those.

    --ensemble, --tree and windows (--crops to --places) are for recognizers of labels. 10 crops are
    AlexNet's, 50 VGG's, 144 GoogLeNet's; --dense --offsets --places max is OverFeat's evaluation.

    \b
    Examples:
        striate evaluate striate-photos/finetune.safetensors photos/
        striate evaluate striate-photos/*.safetensors photos/
        striate evaluate a.safetensors b.safetensors photos/ --ensemble --crops 10 --json
        striate evaluate photos.safetensors new-photos/ --split all --tree animals.txt
        striate evaluate cells.safetensors cells/
        striate evaluate photos.index folders --expand 5
    """
    with importing():
        from striate import recognizer
        from striate.comparing import evaluating
        from striate.retrieval.index import exists
        from striate.tasks import opening

    *models, data = paths
    if not models:
        raise UserError(
            f"evaluate needs MODEL and DATA: striate evaluate photos.safetensors {data}"
        )
    options = windows(crops, scales, dense, offsets, places)
    if any(exists(model) for model in models):
        given = {"split": split, "ensemble": ensemble, "tree": tree, "weights": weights, **options}
        evaluate_indexes(models, data, expansion_of(expand, alpha), device, given, json=json)
        return
    if expand is not None or alpha is not None:
        raise UserError("--expand and --alpha are for indexes")
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


def evaluate_indexes(
    places: list[str],
    truth: str,
    expansion: Any,
    device: str,
    others: dict[str, Any],
    *,
    json: bool,
) -> None:
    """The mean average precision of indexes; several are compared with the best of them."""
    from striate import retrieval
    from striate.retrieval.evaluating import compared

    for name, value in others.items():
        if value:
            raise UserError(f"--{name} is for recognizers; leave it out with an index")
    found = {
        place: retrieval.evaluate(retrieval.Index(place), truth, expansion=expansion, device=device)
        for place in places
    }
    for note in next(iter(found.values())).notes:
        print(printable(f"note: {note}"), file=sys.stderr)
    behind = compared(found) if len(found) > 1 else {}
    if json:
        print_json({"indexes": [{"index": name, **one.to_json()} for name, one in found.items()]})
        return
    print(f"{len(next(iter(found.values())).names):,} pictures were asked for")
    heads = ("index", "mAP", "95 %", "first right", *(["behind the best"] if behind else []))
    rows = []
    for name, one in found.items():
        low, high = one.interval
        interval = f"{percent(low)} to {percent(high)}"
        row = (name, percent(one.value), interval, percent(float(one.first.mean())))
        rows.append((*row, points(behind[name])) if behind else row)
    print_table(table(heads, rows, right=heads[1:]))


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
