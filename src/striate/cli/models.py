"""striate models: every network, or one layer by layer."""

import json
from contextlib import suppress
from hashlib import sha256
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


def counted() -> dict[str, dict[str, Any]]:
    """What counting finds of every network; kept until their code changes, for it takes seconds."""
    from striate import models
    from striate.files import cache_folder, writing
    from striate.progress import track

    code = sorted(Path(models.__file__).parent.glob("*.py"))
    state = sha256(b"".join(path.read_bytes() for path in code)).hexdigest()
    kept = cache_folder() / f"networks-{state[:16]}.json"
    with suppress(OSError, ValueError):
        return dict(json.loads(kept.read_text()))
    counts = {}
    for name in track(models.NETWORKS, "count"):
        found = models.describe(name)
        counts[name] = {
            "input": list(found.input),
            "parameters": found.parameters,
            "multiply_adds": found.multiply_adds,
        }
    with suppress(StorageError), writing(kept) as temporary:
        temporary.write_text(json.dumps(counts))
    return counts


def show_all(*, as_json: bool) -> None:
    """One line a network."""
    from striate.models import NETWORKS

    counts = counted()
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "year": entry.year,
            **counts[name],
            "classes": entry.classes,
            "result": entry.result,
            "paper": entry.paper,
            "weights": list(entry.weights),
        }
        for name, entry in NETWORKS.items()
    ]
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
