"""striate predict: what pictures show."""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from striate.cli.options import BatchSize, Json, ModelFile
from striate.cli.show import percent, print_json, printable
from striate.errors import UserError

if TYPE_CHECKING:
    from striate.recognizer import Prediction


def predict(
    model: ModelFile,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATHS...", help="Pictures, or folders.", show_default=False),
    ],
    top: Annotated[int, typer.Option(min=1, help="Labels to print for a picture.")] = 5,
    batch_size: BatchSize = 32,
    engine: Annotated[
        Literal["torch", "compiled", "onnxruntime", "openvino", "auto"],
        typer.Option(help="What computes; auto measures once and remembers. Not for exports."),
    ] = "torch",
    json: Json = False,
) -> None:
    """Tags pictures with calibrated probabilities; folders are walked, whatever their size.

    A picture that cannot be read is named with its reason; the others go on.

    \b
    Examples:
        striate predict striate-photos/finetune.safetensors cat.jpg holiday/
        striate predict photos.safetensors holiday/ --json > tags.jsonl
        striate predict photos.onnx holiday/
    """
    from striate.progress import track
    from striate.recognizer import load

    recognizer = load(model, engine=engine)
    total = sum(1 for _ in walk(paths))
    if not total:
        raise UserError(f"no pictures in {', '.join(paths)}")
    read = 0
    predictions = recognizer.predict(walk(paths), batch_size=batch_size)
    for prediction in track(predictions, "predict", total):
        read += prediction.error is None
        if json:
            print_json(prediction.to_json(top=top))
        elif prediction.error is None:
            print(line(prediction, top))
        else:
            print(f"{printable(prediction.name)}: {prediction.error}", file=sys.stderr)
    if read < total:
        print(f"{total - read} of {total} could not be read", file=sys.stderr)
    if not read:
        raise typer.Exit(2)


def line(prediction: "Prediction", top: int) -> str:
    """`cat.jpg  cat 93.1 %, dog 4.0 %`."""
    labels = ", ".join(
        f"{printable(label.name)} {percent(label.probability)}" for label in prediction.labels[:top]
    )
    return f"{printable(prediction.name)}  " + (
        labels if prediction.known else f"none of these ({labels})"
    )


def walk(paths: Sequence[str]) -> Iterator[str]:
    """Every picture below the folders, and every other path as it is.

    A folder that cannot be read comes as itself, so that it is named like a broken picture. Links
    to folders are followed only where the person names them.
    """
    from striate.images import SUFFIXES

    waiting = list(reversed(paths))
    named = set(paths)
    while waiting:
        path = waiting.pop()
        if not os.path.isdir(path):  # noqa: PTH112 (a Path costs ten times more)
            yield path
            continue
        try:
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield path
            continue
        folders = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
        waiting.extend(reversed([folder for folder in folders if folder not in named]))
        for entry in found:
            if os.path.splitext(entry.name)[1].lower() in SUFFIXES and not entry.is_dir():  # noqa: PTH122
                yield entry.path
