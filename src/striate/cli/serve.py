"""striate serve: recognizers behind a web page and an HTTP interface."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from striate.cli.importing import importing
from striate.cli.options import Device
from striate.cli.show import printable
from striate.errors import UserError

LONGEST = 86_400  # seconds of a deadline: a day


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Recognizers of any task (.safetensors) or exports (.onnx, .xml).",
            show_default=False,
        ),
    ],
    host: Annotated[
        str, typer.Option(help="The address to listen at; any but this machine's own needs keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen at.")] = 8000,
    keys: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The database of keys, as SQLAlchemy writes it.",
            show_default="an SQLite file of your own",
        ),
    ] = "",
    allow_links: Annotated[
        bool, typer.Option("--allow-links", help="Download pictures that callers link to.")
    ] = False,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="INDEX", help="What striate index made: the call /search looks into it."
        ),
    ] = None,
    engine: Annotated[
        Literal["torch", "onnxruntime", "openvino"],
        typer.Option(help="What computes the networks. Not for exports."),
    ] = "torch",
    device: Device = "auto",
    batch: Annotated[
        int, typer.Option(min=1, max=4096, help="Inputs that are computed together, at most.")
    ] = 32,
    window: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds that a batch waits for more.")
    ] = 3.0,
    queue: Annotated[
        int,
        typer.Option(
            min=1,
            max=1_000_000,
            help="Inputs of a model that may wait; further calls are answered with 429.",
        ),
    ] = 512,
    deadline: Annotated[
        float, typer.Option(min=0.1, max=LONGEST, help="Seconds until a call must be answered.")
    ] = 30.0,
    workers: Annotated[
        int,
        typer.Option(
            min=0,
            max=256,
            help="Processes that answer behind one address; each loads every model.",
            show_default="one, without a front",
        ),
    ] = 0,
) -> None:
    """Serves recognizers: a page for people, and an HTTP interface for programs.

    Without keys only this machine is answered; `striate keys add NAME` makes the first one.

    \b
    Examples:
        striate serve photos.safetensors
        striate serve photos.safetensors cells.onnx --port 8080 --allow-links
        striate serve photos.safetensors --index photos.index
        striate serve photos.safetensors --workers 2
        striate serve photos.safetensors --host 0.0.0.0 --keys postgresql://db/striate
    """
    with importing():
        from striate.cli.keys import place_of
        from striate.serving import Settings, run

    for option, value in (("--window", window), ("--deadline", deadline)):
        if value != value:  # nan is in no range, and therefore in every one
            raise UserError(f"{option} {value}: expected a number")
    settings = Settings(
        models=tuple(models),
        host=host,
        port=port,
        keys=place_of(keys),
        engine=engine,
        device=device,
        batch=batch,
        window=window / 1000,
        queue=queue,
        deadline=deadline,
        allow_links=allow_links,
        index=None if index is None else str(index),
        workers=workers,
    )
    names = ", ".join(Path(model).stem for model in models)
    shown = f"[{host}]" if ":" in host else host
    print(printable(f"{names}: http://{shown}:{port}/ (Ctrl-C stops it)"), file=sys.stderr)
    run(settings)
