"""striate predict: what pictures show."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from striate.cli.detection import predict_boxes
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
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="Labels (or objects) to print for a picture.", show_default="5; all objects"
        ),
    ] = None,
    batch_size: BatchSize = 32,
    engine: Annotated[
        Literal["torch", "compiled", "onnxruntime", "openvino", "auto"],
        typer.Option(help="What computes; auto measures once and remembers. Not for exports."),
    ] = "torch",
    draw: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of a detector: pictures with their boxes, as PNG."),
    ] = None,
    json: Json = False,
) -> None:
    """Tags pictures with calibrated probabilities; folders are walked, whatever their size.

    A detector says what is where: boxes as x0 y0 x1 y1 in pixels, the best first. A picture that
    cannot be read is named with its reason; the others go on.

    \b
    Examples:
        striate predict striate-photos/finetune.safetensors cat.jpg holiday/
        striate predict photos.safetensors holiday/ --json > tags.jsonl
        striate predict photos.onnx holiday/
        striate predict cells.safetensors slides/ --draw seen
        striate predict cells.onnx slides/ --json
    """
    from striate.progress import track
    from striate.recognizer import load
    from striate.tasks.detection.exported import detector_in

    detector = detector_in(model)
    if detector is None:
        if draw is not None:
            raise UserError(f"--draw {draw}: {model} is no detector and has no boxes to draw")
        recognizer = load(model, engine=engine)
    total = sum(1 for _ in walk(paths))
    if not total:
        raise UserError(f"no pictures in {', '.join(paths)}")
    if detector is not None:
        read = predict_boxes(detector, walk(paths), total=total, top=top, draw=draw, json=json)
        ended(read, total)
        return
    read = 0
    predictions = recognizer.predict(walk(paths), batch_size=batch_size)
    for prediction in track(predictions, "predict", total):
        read += prediction.error is None
        if json:
            print_json(prediction.to_json(top=top or 5))
        elif prediction.error is None:
            print(line(prediction, top or 5))
        else:
            print(f"{printable(prediction.name)}: {prediction.error}", file=sys.stderr)
    ended(read, total)


def ended(read: int, total: int) -> None:
    """Says how many pictures could not be read; where none could, it was in vain."""
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
