"""striate models: every network, or one layer by layer."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from striate.cli.options import Json
from striate.cli.show import amount, print_json, print_table, table
from striate.errors import UserError

LIST = Path(__file__).parents[1] / "models" / "networks.json"


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A network, for its layer table.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the network (needs NAME).")
    ] = None,
    as_json: Json = False,
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
        show_all(as_json=as_json)
    else:
        show_one(name, svg, as_json=as_json)


def show_one(name: str, svg: Path | None, *, as_json: bool) -> None:
    """The layer table of one network."""
    from striate.files import writing
    from striate.models import describe, draw

    description = describe(name)
    if svg is not None:
        with writing(svg) as temporary:
            temporary.write_text(draw(description), encoding="utf-8")
    print(description.to_json() if as_json else description.table(layers=True))


def show_all(*, as_json: bool) -> None:
    """One line a network, as `scripts/networks_table.py` counted them: nothing waits for torch."""
    rows: list[dict[str, Any]] = json.loads(LIST.read_text(encoding="utf-8"))
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
