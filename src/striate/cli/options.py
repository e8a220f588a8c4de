"""Options that several commands share, and what they are checked by."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from striate.errors import StorageError

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
KeepLeaks = Annotated[
    bool, typer.Option("--keep-leaks", help="Score test images too that were learned from.")
]


def plain_name(name: str) -> str:
    """A name that is a good part of a folder's name everywhere.

    >>> plain_name("../my photos/")
    'my-photos'
    """
    return re.sub(r"[^\w.-]+", "-", Path(name).name).strip("-.") or "images"


def see_writable(folder: Path) -> None:
    """Says before the work, and not after, that its results could not be kept."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise StorageError(f"cannot write to {folder}: {place} is no folder that may be written")
