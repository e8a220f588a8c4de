"""striate export: a recognizer for another runtime."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from striate.cli.options import Json, ModelFile
from striate.cli.show import print_json, printable


def export(
    model: ModelFile,
    to: Annotated[
        Literal["onnx", "openvino", "torch"], typer.Option(help="Which runtime shall run it.")
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to.", show_default="beside MODEL"),
    ] = None,
    json: Json = False,
) -> None:
    """Writes a recognizer with all that belongs to its answer, and a model card beside it.

    Preprocessing, calibration and the test for "none of these" are inside the graph, class names
    and provenance in the file. `striate predict` runs .onnx and .xml files.

    \b
    Examples:
        striate export photos.safetensors --to onnx
        striate export photos.safetensors --to openvino --out served/photos.xml
    """
    from striate import exporting
    from striate.recognizer import load_trained

    recognizer = load_trained(model)
    path = out or Path(model).with_suffix(exporting.SUFFIXES[to])
    card = exporting.export(recognizer, path, to=to)
    if json:
        print_json({"file": str(path), "card": str(card), "to": to})
        return
    print(f"{printable(str(path))}: run it with {RUN[to]}")
    print(f"{printable(str(card))}: what it is and what it does not know")


RUN = {
    "onnx": "ONNX Runtime or `striate predict`",
    "openvino": "OpenVINO or `striate predict`",
    "torch": "torch.export.load (striate writes such files, but opens none: they may hold code)",
}
