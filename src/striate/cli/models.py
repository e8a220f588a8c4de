"""striate models: every network, or one layer by layer."""

from pathlib import Path
from typing import Annotated, Any

import typer

from striate.cli.options import Json
from striate.cli.show import amount, print_json, print_table, printable, table
from striate.errors import StorageError, UserError


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A network, for its layer table.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the network (needs NAME).")
    ] = None,
    json: Json = False,
) -> None:
    """Lists every network: year, input, parameters, multiply-adds, published result.

    \b
    Examples:
        striate models
        striate models vgg16
        striate models lenet5 --svg lenet5.svg
    """
    if name is None:
        if svg is not None:
            raise UserError(f"--svg {svg} needs the name of a network: striate models lenet5 --svg")
        show_all(as_json=json)
    else:
        show_one(name, svg, as_json=json)


def show_one(name: str, svg: Path | None, *, as_json: bool) -> None:
    """The layer table of one network."""
    from striate.models import describe, draw

    description = describe(name)
    if svg is not None:
        try:
            svg.write_text(draw(description), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"cannot write {svg}: {error.strerror or error}") from error
    print(description.to_json() if as_json else printable_lines(description.table(layers=True)))


def printable_lines(text: str) -> str:
    """Every line made printable."""
    return "\n".join(printable(line) for line in text.splitlines())


def show_all(*, as_json: bool) -> None:
    """One line a network."""
    from striate.models import NETWORKS, describe
    from striate.progress import track

    rows: list[dict[str, Any]] = []
    for name in track(NETWORKS, "count"):
        entry, description = NETWORKS[name], describe(name)
        rows.append(
            {
                "name": name,
                "year": entry.year,
                "input": list(description.input),
                "classes": entry.classes,
                "parameters": description.parameters,
                "multiply_adds": description.multiply_adds,
                "result": entry.result,
                "paper": entry.paper,
                "weights": list(entry.weights),
            }
        )
    if as_json:
        print_json(rows)
        return
    heads = ("name", "year", "input", "parameters", "multiply-adds", "published result", "weights")
    body = [
        (
            row["name"],
            str(row["year"]),
            " x ".join(map(str, row["input"])),
            amount(row["parameters"]),
            amount(row["multiply_adds"]),
            row["result"],
            ", ".join(row["weights"]),
        )
        for row in rows
    ]
    print_table(table(heads, body, right=("year", "parameters", "multiply-adds")))
