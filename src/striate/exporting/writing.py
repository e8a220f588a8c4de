"""Writes a recognizer for another runtime: its graph, and all it knows beside that in the file."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from striate.errors import MissingExtra, ModelError, UnknownName, UserError
from striate.exporting._card import card
from striate.files import writing
from striate.inference.conversion import to_onnx, to_openvino, to_program
from striate.inference.program import Graph
from striate.inference.runtimes import KEY
from striate.progress import stage
from striate.recognizer import Recognizer
from striate.version import __version__

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}
NEEDS = {
    "onnx": ("onnx", "onnxscript"),
    "openvino": ("onnx", "onnxscript", "openvino"),
    "torch": (),
}


def export(recognizer: Recognizer, path: str | os.PathLike[str], *, to: str) -> Path:
    """Writes the recognizer for "onnx", "openvino" or "torch"; returns the path of its model card.

    Into the file go preprocessing, network and all that makes the answer, as one graph
    (`Predictor.graph`), and names and provenance as JSON. OpenVINO keeps the weights in a .bin file
    beside its .xml. The card is a page of Markdown of the same name, .md.

    Raises:
        UserError: if the path has another suffix than that format's.
        UnknownName: if there is no such format.
        ModelError: if the predictor is not a graph, or not one that can be had in that format.
        MissingExtra: if onnx, onnxscript or openvino is missing.
        StorageError: if the disk is full or the folder may not be written.
    """
    path = Path(path)
    if to not in SUFFIXES:
        raise UnknownName("format", to, SUFFIXES)
    if path.suffix != SUFFIXES[to]:
        raise UserError(f"an export to {to} is a {SUFFIXES[to]} file, not {path.name!r}")
    graph = recognizer.predictor.graph(single=to == "openvino")
    if to not in graph.formats:
        formats = " or ".join(graph.formats)
        raise ModelError(f"{recognizer.predictor.kind} can be exported to {formats}, not to {to}")
    for package in NEEDS[to]:
        try:
            import_module(package)
        except ImportError as error:
            raise MissingExtra(f"exporting to {to}", "export") from error
    described = path.with_suffix(".md")
    with writing(described) as temporary:  # now, not after a minute's work, if it is not allowed
        temporary.write_text(card(recognizer, path.name), encoding="utf-8")
        with stage(f"export to {to}"):
            text = json.dumps(metadata(recognizer, graph))
            WRITERS[to](graph, to_program(graph), path, text)
            for ending, content in graph.beside.items():
                with writing(path.with_name(path.stem + ending)) as other:
                    other.write_text(content, encoding="utf-8")
    return described


def metadata(recognizer: Recognizer, graph: Graph) -> dict[str, Any]:
    """What stands in the file beside the graph: plain JSON values."""
    return {
        "striate": __version__,
        "task": recognizer.task.name,
        "kind": recognizer.predictor.kind,
        "names": list(recognizer.names),
        "predictor": {**recognizer.predictor.header(), **graph.metadata},
        "provenance": recognizer.provenance,
        "inputs": {name: graph.about.get(name, "") for name in graph.shapes},
        "outputs": {name: graph.about.get(name, "") for name in graph.outputs},
    }


def write_onnx(graph: Graph, program: torch.export.ExportedProgram, path: Path, text: str) -> None:
    """One .onnx file; the JSON is its metadata property "striate".

    What the exporter noted of the source that the graph came from is left out.

    Raises:
        ModelError: if it is larger than ONNX allows.
    """
    model = to_onnx(graph, program)
    from google.protobuf.message import EncodeError

    for part in (model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, text
    try:
        data = model.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise ModelError("the network has more than 2 GiB of weights; ONNX takes less") from error
    with writing(path) as temporary:
        temporary.write_bytes(data)


def write_openvino(
    graph: Graph, program: torch.export.ExportedProgram, path: Path, text: str
) -> None:
    """An .xml file, the JSON in its runtime information, and a .bin file of weights."""
    import openvino

    model = to_openvino(graph, program)
    model.set_rt_info(text, [KEY])
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.xml"
        openvino.save_model(model, whole, compress_to_fp16=False)
        for suffix in (".bin", ".xml"):  # the graph last: where it stands, its weights do
            with writing(path.with_suffix(suffix)) as temporary:
                shutil.copyfile(whole.with_suffix(suffix), temporary)


def write_torch(graph: Graph, program: torch.export.ExportedProgram, path: Path, text: str) -> None:
    """A .pt2 file, the JSON beside the program in it.

    `torch.export.load` unpickles some parts of such a file, so striate writes but never reads one.
    """
    with writing(path) as temporary, temporary.open("wb") as file:
        torch.export.save(program, file, extra_files={f"{KEY}.json": text})


Writer = Callable[[Graph, torch.export.ExportedProgram, Path, str], None]
WRITERS: dict[str, Writer] = {
    "onnx": write_onnx,
    "openvino": write_openvino,
    "torch": write_torch,
}
