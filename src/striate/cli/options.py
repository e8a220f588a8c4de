"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Seed = Annotated[int, typer.Option(min=0, help="Where all randomness starts.")]
Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A folder with one folder of images for each class, a .csv list, or a catalog name.",
        show_default=False,
    ),
]
ModelFile = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A recognizer (.safetensors).", show_default=False),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images that are computed together.")]
