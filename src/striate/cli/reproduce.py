"""striate reproduce: a published number, run again."""

from pathlib import Path
from typing import Annotated, Any

import typer

from striate.cli.options import Json, Seed
from striate.cli.show import print_json, print_table, printable, table
from striate.errors import UnknownName, UserError


def reproduce(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="An experiment; without one, all are listed."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="In a fraction of the time; verdicts may suffer.")
    ] = False,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Also a page with drawings.")
    ] = None,
    json: Json = False,
) -> None:
    """Lists what papers and lectures say that can be run again here, or runs one of it.

    \b
    Examples:
        striate reproduce
        striate reproduce gan-one-dimension --out gan.html
    """
    from striate.experiments.table import EXPERIMENTS

    if name is None:
        if out is not None:
            raise UserError(f"--out {out} needs the name of an experiment")
        rows = [{"name": one.name, "title": one.title, "source": one.source}
                for one in EXPERIMENTS.values()]  # fmt: skip
        if json:
            print_json(rows)
            return
        body = [tuple(row.values()) for row in rows]
        print_table(table(("name", "what is found", "published in"), body))
        return
    if name not in EXPERIMENTS:
        raise UnknownName("experiment", name, EXPERIMENTS)
    show(name, out, quick=quick, seed=seed, as_json=json)


def show(name: str, out: Path | None, *, quick: bool, seed: int, as_json: bool) -> None:
    """Runs one and tells what was found."""
    from striate.experiments.result import write
    from striate.experiments.table import EXPERIMENTS

    experiment = EXPERIMENTS[name]
    found = experiment.run(quick=quick, seed=seed)
    if out is not None:
        write(experiment, found, out)
    if as_json:
        values: dict[str, Any] = {"name": name, "quick": quick, "seed": seed, **found.to_json()}
        print_json({**values, "page": None if out is None else str(out)})
        return
    print(printable(f"{experiment.title} ({experiment.source})"))
    body = [
        (row.what, row.said, row.ours, row.verdict + (f": {row.why}" if row.why else ""))
        for row in found.rows
    ]
    print_table(table(("what", "published or by theory", "here", "verdict"), body))
    if out is not None:
        print(printable(f"page: {out}"))
