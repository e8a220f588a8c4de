"""Options that several commands share, and what they are checked by."""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from striate.errors import StorageError, UserError

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
MOST_SEED = 2**31 - 1  # what every library of ours takes, further seeds of a comparison included
Seed = Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Where all randomness starts.")]
MaxImages = Annotated[
    int | None,
    typer.Option(
        "--max-images",
        metavar="N",
        min=1,
        help="Use about N of the examples, of every split and class its share.",
        show_default="all",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="What computes: cpu, cuda, cuda:1, mps, or auto: the fastest there is."
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What is learned from the data, where that is ambiguous.",
        show_default="what the data says",
    ),
]
Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Images: a folder (one folder for each class; PASCAL VOC, COCO, YOLO; masks), a .csv "
        "list, or a name that `striate datasets` lists. Texts: a table of labels and texts (.tsv, "
        ".csv, .jsonl), or a folder of .txt files for each class. Recordings: a folder or a list, "
        "with their words.",
        show_default=False,
    ),
]
Trained = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A recognizer (.safetensors), or the name of a network that has published weights.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A recognizer (.safetensors), an export (.onnx, .xml), or the name of a network that "
        "has published weights.",
        show_default=False,
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Inputs that are computed together.")]
KeepLeaks = Annotated[
    bool, typer.Option("--keep-leaks", help="Score test examples too that were learned from.")
]
Network = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A network of `striate models`, for methods that learn on one.",
        show_default="by the data",
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE|none",
        help="What the network starts from: published weights, your own, or random numbers.",
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="How to learn by steps: one of striate.recipes, as in vgg_2015.",
        show_default="by the data",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another value in the recipe, as in batch_size=16; may be given several times. An "
        "unknown KEY lists them all.",
        show_default=False,
    ),
]
Painting = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="In whose style pictures are to be painted.", show_default=False
    ),
]
Crops = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Windows of a picture whose answers are averaged: 1, 10, 50 or 144.",
        show_default="1",
    ),
]
Scales = Annotated[
    str,
    typer.Option(
        metavar="256,288",
        help="Sides to which a picture's shorter side is brought for windows.",
        show_default="as published",
    ),
]
Dense = Annotated[
    bool,
    typer.Option(
        "--dense",
        help="Every window, by sliding the network over the whole picture; not "
        "where it reads several maps, as after transfer: take --crops.",
    ),
]
Offsets = Annotated[
    bool, typer.Option("--offsets", help="--dense: the last pooling begins at every offset.")
]
Places = Annotated[
    Literal["mean", "max"],
    typer.Option(help="--dense: of each class the mean or the maximum over all places."),
]
Expand = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1000,
        help="Search again with the first N found added to the picture (query expansion).",
        show_default="no",
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=100,
        help="--expand: weights are cosines to that power; 0 for equal ones.",
        show_default="3",
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=1,
        help="For each method that learns by steps; it keeps the best it has by then. What comes "
        "before the first step (frozen layers, a classifier to begin with) is not cut short.",
        show_default="none",
    ),
]


def weights_of(given: str) -> str | None:
    """What `--weights` means: "none" are random numbers."""
    return None if given == "none" else given


def own(**given: Any) -> dict[str, Any]:
    """Options that only some tasks have, those that were given, by name."""
    return {name.replace("_", "-"): one for name, one in given.items() if one is not None}


def windows(
    crops: int | None, scales: str, dense: bool, offsets: bool, places: str
) -> dict[str, Any]:
    """The options of windows that were given, by name.

    Raises:
        UserError: if the scales are no numbers.
    """
    given = {
        "crops": crops, "scales": sides(scales), "dense": dense, "offsets": offsets,
        "places": "" if places == "mean" else places,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value}


def expansion_of(expand: int | None, alpha: float | None) -> Any:
    """The expansion of queries that is asked for, or None.

    Raises:
        UserError: if there is a weight and no expansion.
    """
    from striate.retrieval import Expansion

    if expand is None:
        if alpha is not None:
            raise UserError("--alpha is for --expand N")
        return None
    return Expansion(expand, 3.0 if alpha is None else alpha)


def sides(text: str) -> tuple[int, ...]:
    """`256,288` as numbers."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() and len(part) < 6 for part in parts):
        raise UserError(f"--scales {text}: expected sides in pixels, as in --scales 256,288")
    return tuple(int(part) for part in parts)


def command_line(command: str, place: str, options: Mapping[str, object]) -> str:
    """A command as a person would type it; options that are None or False are left out, and lists
    are given one by one.

    >>> command_line("train", "my photos", {"epochs": 3, "seed": None, "keep-leaks": True})
    "striate train 'my photos' --epochs 3 --keep-leaks"
    """
    words = ["striate", command, place]
    for name, value in options.items():
        if value is True:
            words.append(f"--{name}")
        elif isinstance(value, list):
            words += [word for one in value for word in (f"--{name}", str(one))]
        elif value is not None and value is not False:
            words += [f"--{name}", str(value)]
    return shlex.join(words)


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
        raise StorageError(
            f"cannot write to {folder}: {place} is not a folder that can be written to"
        )
