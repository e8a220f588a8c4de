"""striate export: a recognizer for another runtime."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from striate.cli.importing import importing
from striate.cli.options import Json, Seed, Trained
from striate.cli.show import print_json, printable
from striate.errors import StriateError, UserError

RUN = {
    "onnx": "ONNX Runtime or `striate predict`",
    "openvino": "OpenVINO or `striate predict`",
    "torch": "torch.export.load (striate writes such files but opens none: they may hold code)",
}


def export(
    model: Trained,
    to: Annotated[
        Literal["onnx", "openvino", "torch"], typer.Option(help="The format to write.")
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file to write.", show_default="beside MODEL"),
    ] = None,
    int8: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="onnx: convolutions in 8 bits, calibrated on the validation images of this "
            "dataset; what that costs is measured on its test images.",
        ),
    ] = "",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Writes a recognizer with all that belongs to its answer, and a model card beside it.

    Preprocessing, calibration, thresholds and non-maximum suppression are inside the graph, class
    names and provenance in the file. `striate predict` and `striate serve` run .onnx and .xml
    files. What cannot be written as a graph is refused with the reason.

    \b
    Examples:
        striate export photos.safetensors --to onnx
        striate export photos.safetensors --to openvino --out served/photos.xml
        striate export photos.safetensors --int8 photos/ --out small.onnx
        striate export cells.safetensors --to onnx
    """
    with importing():
        from striate import exporting, recognizer
        from striate.tasks import opening

    if int8 and to != "onnx":
        raise UserError(f"--int8 is for --to onnx, not {to}")
    is_file = bool(Path(model).suffix)
    found = recognizer.load_trained(model) if is_file else recognizer.named(model, device="cpu")
    path = out or Path(model).with_suffix(exporting.SUFFIXES[to])
    dataset = None
    if int8:
        dataset = opening.open(int8, task=found.task.name, seed=seed)
        exporting.examples_for(found, dataset)  # refused now, not after the work
    card = exporting.export(found, path, to=to)
    try:
        cost = exporting.round_with(path, dataset) if dataset is not None else None
    except StriateError:  # what was asked for does not stand there
        path.unlink(missing_ok=True)
        card.unlink(missing_ok=True)
        raise
    if cost is not None:
        exporting.add_cost(card, cost)
    if json:
        rounded = {} if cost is None else {"int8": cost.to_json()}
        print_json({"file": str(path), "card": str(card), "to": to, **rounded})
        return
    if cost is not None:
        print(cost)
    print(f"model:       {printable(str(path))}")
    print(f"model card:  {printable(str(card))}")
    print(f"run it with: {RUN[to]}")
