"""A detector that was exported, run by ONNX Runtime: the same boxes."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import MissingExtra, ModelError, WeightsError
from striate.models.matching import Detections
from striate.recognizer.exported import KEY
from striate.tasks.detection.detector import Detector, is_detector

TASK = "detection"  # in the metadata of a file; those of recognizers name no task
PROPERTY = 14  # the field of a model that holds a property (onnx.proto, ModelProto)
LONGEST = 2**24  # bytes of metadata


@dataclass(frozen=True, eq=False)
class OnnxFinder:
    """The graph in a file, as a `Finder` that is used but not stored again.

    Attributes:
        session: of ONNX Runtime: image (H, W, 3) uint8 to boxes, labels and scores.
        classes: how many there are.
        parameters: numbers in the graph.
    """

    session: Any
    classes: int
    parameters: int
    path: Path

    kind: ClassVar[str] = "onnx"

    def find(self, pixels: NDArray[np.uint8]) -> Detections:
        """Raises WeightsError if the graph fails, or answers something else than boxes."""
        try:
            found = self.session.run(["boxes", "labels", "scores"], {"image": pixels})
        except Exception as error:  # the runtime's exceptions share no root below Exception
            raise WeightsError(f"{self.path} fails on a picture ({_short(error)})") from error
        boxes, labels, scores = found
        if not (
            boxes.shape == (len(scores), 4)
            and labels.shape == scores.shape == (len(scores),)
            and (boxes.dtype, labels.dtype, scores.dtype) == (np.float32, np.int64, np.float32)
            and np.isfinite(boxes).all()
            and np.isfinite(scores).all()
            and ((labels >= 0) & (labels < self.classes)).all()
        ):
            raise WeightsError(f"{self.path} is no detector: its graph does not answer with boxes")
        return Detections(*(torch.from_numpy(each.copy()) for each in found))

    def tensors(self) -> dict[str, Tensor]:
        raise ModelError(f"{self.path} is an export; copy it, or save what it was exported from")

    def header(self) -> dict[str, Any]:
        return {"export": str(self.path)}

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any], classes: int) -> Self:
        raise ValueError("it is an export, which is a file of its own")


def load(path: str | os.PathLike[str]) -> Detector:
    """The detector in an .onnx file that `striate export` wrote.

    Raises:
        WeightsError: if it is none, or keeps its weights in other files, which are not looked at.
        MissingExtra: if onnx or onnxruntime is not installed.
    """
    path = Path(path)
    try:
        import onnx
        import onnxruntime
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise MissingExtra(f"running {path}", "export") from error
    if not is_exported(path):
        raise WeightsError(f"{path} is not a detector that striate exported")
    try:
        data = path.read_bytes()
        model = onnx.load_model_from_string(data)
        if any(_outside(model.graph)) or model.functions or model.training_info:
            raise ValueError("it keeps weights in other files, or more than a graph")
        values = json.loads({each.key: each.value for each in model.metadata_props}[KEY])
        classes = tuple(str(name) for name in values["classes"])
        count = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors; they come as exceptions, too
        try:
            session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no root below Exception
            raise ValueError(error) from error
        names = {each.name for each in session.get_outputs()}
        if [each.name for each in session.get_inputs()] != ["image"] or names < {
            "boxes", "labels", "scores",
        }:  # fmt: skip
            raise ValueError("its graph is not from an image to boxes")
        finder = OnnxFinder(session, len(classes), count, path)
        return Detector(finder, classes, dict(values["provenance"]))
    except (LookupError, ValueError, TypeError, AttributeError, OSError, DecodeError) as error:
        raise WeightsError(f"{path} is a damaged export of a detector ({_short(error)})") from error


def detector_in(path: str | os.PathLike[str]) -> Detector | None:
    """The detector in a file, a .safetensors of ours or an export; None if it is something else.

    Raises:
        WeightsError: if it is a damaged one.
        MissingExtra: if it is an export, and its runtime is not installed.
    """
    if is_detector(path):
        return Detector.load(path)
    return load(path) if is_exported(path) else None


def is_exported(path: str | os.PathLike[str]) -> bool:
    """Whether an .onnx file says that it is a detector: its metadata is read, no graph."""
    path = Path(path)
    if path.suffix != ".onnx" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            values = json.loads(dict(properties(file))[KEY])
        return isinstance(values, dict) and values.get("task") == TASK
    except (OSError, LookupError, ValueError, RecursionError):
        return False


def properties(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Keys and values of the metadata in the file of a model.

    The file is one message of protobuf: fields, each a number and its wire type, then what it
    holds; those of other numbers are stepped over.

    Raises:
        ValueError: if it is none.
    """
    for number, content in fields(file):
        if number == PROPERTY and content is not None:
            from io import BytesIO

            parts = dict(fields(BytesIO(content), wanted=(1, 2)))
            yield (parts.get(1) or b"").decode(), (parts.get(2) or b"").decode()


def fields(
    file: BinaryIO, wanted: tuple[int, ...] = (PROPERTY,)
) -> Iterator[tuple[int, bytes | None]]:
    """The numbers of a message's fields in order, and what the `wanted` ones of bytes hold."""
    while (tag := varint(file, end=True)) is not None:
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            varint(file)
        elif wire in {1, 5}:
            file.seek(8 if wire == 1 else 4, os.SEEK_CUR)
        elif wire == 2:
            length = varint(file) or 0
            if length >= 2**31:
                raise ValueError(f"a field of {length} bytes")
            if number in wanted and length <= LONGEST:
                yield number, file.read(length)
                continue
            file.seek(length, os.SEEK_CUR)
        else:
            raise ValueError(f"a field of wire type {wire}")
        yield number, None


def varint(file: BinaryIO, *, end: bool = False) -> int | None:
    """A whole number, seven bits a byte, the lowest first; None at the end of the file."""
    value = 0
    for place in range(10):
        byte = file.read(1)
        if not byte:
            if end and place == 0:
                return None
            raise ValueError("it ends within a number")
        value |= (byte[0] & 127) << (7 * place)
        if byte[0] < 128:
            return value
    raise ValueError("a number of more than ten bytes")


def _outside(graph: Any) -> Iterator[bool]:
    """Of each tensor in a graph and the graphs in it: whether it lies in another file."""
    tensors = [*graph.initializer]
    for sparse in graph.sparse_initializer:
        tensors += [sparse.values, sparse.indices]
    for node in graph.node:
        for each in node.attribute:
            tensors += [each.t, *each.tensors, each.sparse_tensor.values]
            for inner in (each.g, *each.graphs):
                yield from _outside(inner)
    for tensor in tensors:
        yield tensor.data_location != 0 or len(tensor.external_data) > 0


def _short(error: object) -> str:
    return " ".join(str(error).split())[:200]
