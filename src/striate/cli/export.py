"""striate export: a recognizer or a detector for another runtime."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from striate.cli.detection import without_boxes
from striate.cli.options import Json, ModelFile, Seed
from striate.cli.show import print_json, printable
from striate.errors import UserError


def export(
    model: ModelFile,
    to: Annotated[
        Literal["onnx", "openvino", "torch"], typer.Option(help="Which runtime shall run it.")
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to.", show_default="beside MODEL"),
    ] = None,
    int8: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="onnx: convolutions in 8 bits, ranges from the validation images of this set; its "
            "test images tell what that costs.",
        ),
    ] = "",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Writes a recognizer with all that belongs to its answer, and a model card beside it.

    Preprocessing, calibration and the test for "none of these" are inside the graph, class names
    and provenance in the file. `striate predict` runs .onnx and .xml files. A detector, Faster
    R-CNN or YOLO, becomes an .onnx file: a picture of any size in, boxes in its pixels out.

    \b
    Examples:
        striate export photos.safetensors --to onnx
        striate export photos.safetensors --to openvino --out served/photos.xml
        striate export photos.safetensors --int8 photos/ --out small.onnx
        striate export cells.safetensors --to onnx
    """
    import striate
    from striate import exporting
    from striate.recognizer import load_trained
    from striate.tasks.detection import is_detector

    if is_detector(model):
        if int8:
            raise UserError(f"--int8 {int8}: {model} is a detector, which is exported as it is")
        export_detector(model, to, out or Path(model).with_suffix(".onnx"), json=json)
        return
    recognizer = load_trained(model)
    path = out or Path(model).with_suffix(exporting.SUFFIXES[to])
    if int8 and to != "onnx":
        raise UserError(f"--int8 is for --to onnx, not {to}")
    dataset = without_boxes(striate.data.open(int8, seed=seed)) if int8 else None
    card = exporting.export(recognizer, path, to=to)
    cost = exporting.round_with(path, dataset) if dataset is not None else None
    if cost is not None:
        exporting.add_cost(card, cost)
    if json:
        rounded = {} if cost is None else {"int8": cost.to_json()}
        print_json({"file": str(path), "card": str(card), "to": to, **rounded})
        return
    if cost is not None:
        print(cost)
    tell(path, card, to)


def export_detector(model: str, to: str, path: Path, *, json: bool) -> None:
    """Writes a detector and says where it is."""
    from striate.tasks.detection import Detector
    from striate.tasks.detection.exporting import export as write

    card = write(Detector.load(model), path, to=to)
    if json:
        print_json({"file": str(path), "card": str(card), "to": to})
        return
    tell(path, card, to)


def tell(path: Path, card: Path, to: str) -> None:
    """Where the export and its card are."""
    print(f"{printable(str(path))}: run it with {RUN[to]}")
    print(f"{printable(str(card))}: what it is and what it does not know")


RUN = {
    "onnx": "ONNX Runtime or `striate predict`",
    "openvino": "OpenVINO or `striate predict`",
    "torch": "torch.export.load (striate writes such files, but opens none: they may hold code)",
}
