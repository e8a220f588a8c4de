"""Writes a recognizer for another runtime: pixels in, answer out, all it knows in the file."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from striate.errors import MissingExtra, ModelError, StriateError, UnknownName, UserError
from striate.exporting.card import card
from striate.exporting.graph import EXAMPLES, OUTPUTS, SHAPES, Graph
from striate.files import writing
from striate.handcrafted import BagOfVisualWords
from striate.progress import stage
from striate.recognizer import Recognizer
from striate.recognizer.conversion import to_onnx, to_program
from striate.recognizer.exported import KEY
from striate.version import __version__

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}
NEEDS = {
    "onnx": ("onnx", "onnxscript"),
    "openvino": ("onnx", "onnxscript", "openvino"),
    "torch": (),
}


def export(recognizer: Recognizer, path: str | os.PathLike[str], *, to: str) -> Path:
    """Writes the recognizer for "onnx", "openvino" or "torch"; returns the path of its model card.

    Into the file go preprocessing, network, calibration and the test for "none of these" as one
    graph (see `Graph`), and class names, threshold and provenance as JSON. OpenVINO keeps the
    weights in a .bin file beside its .xml. The card is a page of Markdown of the same name, .md.

    Raises:
        UserError: if the path has another suffix than that format's.
        UnknownName: if there is no such format.
        ModelError: if the network cannot be exported.
        MissingExtra: if onnx, onnxscript or openvino is missing.
        StorageError: if the disk is full or the folder may not be written.
    """
    path = Path(path)
    if to not in SUFFIXES:
        raise UnknownName("format", to, SUFFIXES)
    if path.suffix != SUFFIXES[to]:
        raise UserError(f"an export to {to} is a {SUFFIXES[to]} file, not {path.name!r}")
    if isinstance(recognizer.model, BagOfVisualWords):
        raise ModelError(
            "a hand-crafted recognizer finds its visual words by search, which is no graph that "
            "can be exported; keep its .safetensors file, or export another approach"
        )
    for package in NEEDS[to]:
        try:
            import_module(package)
        except ImportError as error:
            raise MissingExtra(f"exporting to {to}", "export") from error
    _check_writable(path)
    with stage(f"export to {to}"):
        try:
            program = to_program(Graph(recognizer, single=to == "openvino"), EXAMPLES, SHAPES)
        except StriateError:
            raise
        except Exception as error:  # torch.export's errors share no root below Exception
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"this network cannot be exported ({reason})") from error
        WRITERS[to](program, path, json.dumps(metadata(recognizer)))
    described = path.with_suffix(".md")
    with writing(described) as temporary:
        temporary.write_text(card(recognizer, path.name), encoding="utf-8")
    return described


def metadata(recognizer: Recognizer) -> dict[str, Any]:
    """What stands in the file beside the graph: plain JSON values."""
    known = recognizer.familiarity
    return {
        "striate": __version__,
        "preprocessing": recognizer.preprocessing.to_json(),
        "classes": list(recognizer.classes),
        "calibration": asdict(recognizer.calibration),
        "familiarity": None if known is None else {"threshold": known.threshold},
        "architecture": recognizer.architecture,
        "provenance": recognizer.provenance,
        "input": "image: (N, H, W, 3) uint8, RGB, upright, sRGB; box: zeros for all of the picture",
    }


def write_onnx(program: torch.export.ExportedProgram, path: Path, text: str) -> None:
    """One .onnx file; the JSON is its metadata property "striate".

    The box may be left out when it is run: it is an input with a value of its own.
    """
    model = to_onnx(program, EXAMPLES, SHAPES, OUTPUTS)
    import onnx

    zeros = onnx.numpy_helper.from_array(EXAMPLES[1].numpy(), "box")
    model.graph.initializer.append(zeros)
    save_onnx(model, path, text)


def save_onnx(model: Any, path: Path, text: str) -> None:
    """A graph with its JSON, without what the exporter noted of the source it came from.

    Raises:
        ModelError: if it is larger than ONNX allows.
    """
    from google.protobuf.message import EncodeError

    for part in (*model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, text
    try:
        data = model.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise ModelError("the network has more than 2 GiB of weights; ONNX takes less") from error
    with writing(path) as temporary:
        temporary.write_bytes(data)


def write_openvino(program: torch.export.ExportedProgram, path: Path, text: str) -> None:
    """An .xml file, the JSON in its runtime information, and a .bin file of weights."""
    import openvino

    onnx = to_onnx(program, EXAMPLES, SHAPES, OUTPUTS)
    with tempfile.TemporaryDirectory() as folder:
        between, whole = Path(folder) / "model.onnx", Path(folder) / "model.xml"
        between.write_bytes(onnx.SerializeToString())
        model = openvino.convert_model(between)
        model.set_rt_info(text, [KEY])
        openvino.save_model(model, whole, compress_to_fp16=False)
        for suffix in (".bin", ".xml"):  # the graph last: where it stands, its weights do
            with writing(path.with_suffix(suffix)) as temporary:
                shutil.copyfile(whole.with_suffix(suffix), temporary)


def write_torch(program: torch.export.ExportedProgram, path: Path, text: str) -> None:
    """A .pt2 file, the JSON beside the program in it.

    `torch.export.load` unpickles some parts of such a file, so striate writes but never reads one.
    """
    with writing(path) as temporary, temporary.open("wb") as file:
        torch.export.save(program, file, extra_files={f"{KEY}.json": text})


WRITERS: dict[str, Callable[[torch.export.ExportedProgram, Path, str], None]] = {
    "onnx": write_onnx,
    "openvino": write_openvino,
    "torch": write_torch,
}


def _check_writable(path: Path) -> None:
    """Says now, not after a minute's work, that nothing can be written there."""
    with writing(path.with_name(f".{path.name}.probe")) as temporary:
        temporary.write_bytes(b"")
    path.with_name(f".{path.name}.probe").unlink()
