"""striate serve: models behind a web page and an HTTP interface."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from striate.cli.show import printable


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Recognizers (.safetensors) or exports (.onnx, .xml).",
            show_default=False,
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Where to listen; others than this machine need keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    keys: Annotated[
        str,
        typer.Option(metavar="URL", help="Database of keys, as SQLAlchemy has it: SQLite, yours."),
    ] = "",
    allow_links: Annotated[
        bool, typer.Option("--allow-links", help="Fetch pictures that callers give links to.")
    ] = False,
    engine: Annotated[
        Literal["torch", "onnxruntime", "openvino"],
        typer.Option(help="What computes networks. Not for exports."),
    ] = "torch",
    batch: Annotated[int, typer.Option(min=1, help="Pictures computed together, at most.")] = 32,
    window: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds that a batch waits for more.")
    ] = 3.0,
    queue: Annotated[
        int, typer.Option(min=1, help="Pictures of a model that may wait; beyond it, 429.")
    ] = 512,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds that a call has.")] = 30.0,
) -> None:
    """Serves models: a page for people, an HTTP interface for programs.

    Without keys only this machine is answered; `striate keys add NAME` makes the first.

    \b
    Examples:
        striate serve photos.safetensors
        striate serve photos.safetensors birds.onnx --port 8080 --allow-links
        striate serve photos.safetensors --host 0.0.0.0 --keys postgresql://db/striate
    """
    from striate.cli.keys import place_of
    from striate.serving import Settings, run

    settings = Settings(
        models=tuple(models),
        host=host,
        port=port,
        keys=place_of(keys),
        engine=engine,
        batch=batch,
        window=window / 1000,
        queue=queue,
        deadline=deadline,
        allow_links=allow_links,
    )
    names = ", ".join(Path(model).stem for model in models)
    shown = f"[{host}]" if ":" in host else host
    print(printable(f"{names}: http://{shown}:{port}/ (Ctrl-C ends it)"), file=sys.stderr)
    run(settings)
