"""An exported graph, run on the CPU by the runtime it was exported for."""

import json
import math
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from striate.errors import MissingExtra, UserError, WeightsError, one_line
from striate.files import read_bytes
from striate.inference import onnx_file
from striate.inference.program import Graph

KEY = "striate"  # of our metadata, in every format
LARGEST = 2**31  # bytes of a graph: protobuf has no longer messages
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
        dtype: as numpy names it: "uint8", "float32", ...
        shape: None where an axis may have any size.
    """

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.dtype} ({', '.join('any' if s is None else str(s) for s in self.shape)})"

    def takes(self, other: "Port") -> bool:
        """Whether the other is of this form, as far as both fix it."""
        return self.dtype == other.dtype and len(self.shape) == len(other.shape) and all(
            None in (mine, theirs) or mine == theirs
            for mine, theirs in zip(self.shape, other.shape, strict=True)
        )  # fmt: skip


class Runtime(ABC):
    """A graph that is ready to be run.

    Attributes:
        path: of its file; of a graph that is in no file, what it is called in messages.
        metadata: what was written beside the graph: plain JSON values.
        parameters: how many weights its tensors hold.
        ports_in, ports_out: its inputs and outputs by name.
    """

    path: Path
    metadata: dict[str, Any]
    parameters: int
    ports_in: Mapping[str, Port]
    ports_out: Mapping[str, Port]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.ports_in)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.ports_out)

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """All outputs by name.

        Raises:
            WeightsError: if the graph fails on these inputs.
        """
        try:
            return self._run(inputs)
        except Exception as error:  # the runtimes' exceptions share no root below Exception
            raise WeightsError(f"{self.path} fails on an input ({one_line(error)})") from error

    @abstractmethod
    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]: ...

    def require(self, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> None:
        """Sees that the graph is from such inputs to such outputs, and perhaps to others.

        Raises:
            WeightsError: naming the first that is missing or of another form.
        """
        for what, wanted, found in (
            ("input", inputs, self.ports_in),
            ("output", outputs, self.ports_out),
        ):
            for name, port in wanted.items():
                if name not in found:
                    raise WeightsError(f"the graph in {self.path} has no {what} {name!r}")
                if not port.takes(found[name]):
                    raise WeightsError(
                        f"the {what} {name!r} of the graph in {self.path} is {found[name]}, "
                        f"expected {port}"
                    )
        if more := self.ports_in.keys() - inputs.keys():
            name = one_line(repr(min(more)))
            raise WeightsError(f"the graph in {self.path} has another input, {name}")


class OnnxRuntime(Runtime):
    """A graph in the bytes of an .onnx file.

    Raises:
        ValueError: if it is not one, or not all of it is in these bytes.
        MissingExtra: if ONNX Runtime is not installed.
    """

    def __init__(self, data: bytes, path: Path, metadata: dict[str, Any]):
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra(f"running {path}", "export") from error
        self.path, self.metadata = path, metadata
        self.parameters = onnx_file.parameters(BytesIO(data))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # errors come as exceptions; the log has raw names of nodes
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except Exception as error:  # its exceptions share no root below Exception
            raise ValueError(one_line(error)) from error
        optional = self._session.get_overridable_initializers()  # inputs that have a default
        self.ports_in = {
            each.name: _port(each) for each in (*self._session.get_inputs(), *optional)
        }
        self.ports_out = {each.name: _port(each) for each in self._session.get_outputs()}

    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        return dict(zip(self.ports_out, self._session.run(None, dict(inputs)), strict=True))


DTYPES = {"float": "float32", "double": "float64"}  # where ONNX and numpy differ


def _port(node: Any) -> Port:
    name = one_line(node.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(side if isinstance(side, int) else None for side in node.shape)
    return Port(DTYPES.get(name, name), shape)


class OpenVino(Runtime):
    """A model of OpenVINO's.

    Raises:
        ValueError: if it cannot be computed here.
    """

    def __init__(self, model: Any, path: Path, metadata: dict[str, Any]):
        import openvino

        self.path, self.metadata = path, metadata
        settings = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "f32",  # not bfloat16, which changes answers
        }
        self.parameters = sum(
            math.prod(node.get_output_shape(0))
            for node in model.get_ops()
            if node.get_type_name() == "Constant" and node.get_element_type().is_real()
        )
        self.ports_in = {each.get_any_name(): _form(each) for each in model.inputs}
        self.ports_out = {each.get_any_name(): _form(each) for each in model.outputs}
        try:
            self._compiled = openvino.Core().compile_model(model, "CPU", settings)
        except Exception as error:  # its exceptions share no root below Exception
            raise ValueError(one_line(error)) from error
        self._lock = threading.Lock()  # a compiled model has one set of buffers

    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        if missing := self.ports_in.keys() - inputs.keys():  # it would take what it had before
            raise ValueError(f"{min(missing)} is missing")
        with self._lock:
            found = self._compiled(dict(inputs))
            return {name: found[name].copy() for name in self.ports_out}


def _form(node: Any) -> Port:
    shape = tuple(s.get_length() if s.is_static else None for s in node.partial_shape)
    return Port(np.dtype(node.element_type.to_dtype()).name, shape)


def open_runtime(path: str | os.PathLike[str]) -> Runtime:
    """The graph in a file that `striate export` wrote, by the runtime that its suffix names.

    Its metadata are read first, so that a file of others is refused before its graph is loaded.

    Raises:
        WeightsError: if it is not such a file, or is not complete by itself.
        MissingExtra: if the runtime is not installed.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"{path} is not an export; those end in {' or '.join(SUFFIXES)}")
    if not path.is_file():  # a pipe or a device would never end
        raise WeightsError(f"there is no file {path}")
    try:
        return SUFFIXES[path.suffix](path)
    except (MissingExtra, WeightsError):
        raise
    except (ValueError, LookupError, TypeError, RuntimeError, OSError, UserError) as error:
        raise WeightsError(
            f"{path} is not a file that striate exported ({one_line(error)})"
        ) from error


def _open_onnx(path: Path) -> Runtime:
    with path.open("rb") as file:
        metadata = parsed(onnx_file.properties(file)[KEY])
    return OnnxRuntime(read_bytes(path, limit=LARGEST), path, metadata)


def _open_openvino(path: Path) -> Runtime:
    try:
        import openvino
    except ImportError as error:
        raise MissingExtra(f"running {path}", "export") from error
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise WeightsError(f"{path} keeps its weights in {weights.name}, which is not beside it")
    model = openvino.Core().read_model(path, weights)
    return OpenVino(model, path, parsed(model.get_rt_info([KEY]).astype(str)))


SUFFIXES = {".onnx": _open_onnx, ".xml": _open_openvino}


def parsed(text: str) -> dict[str, Any]:
    """Metadata from their text.

    Raises:
        ValueError: if it is not a JSON object.
    """
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError("its metadata are nested too deep") from error
    if not isinstance(values, dict):
        raise ValueError("its metadata are not an object")
    return values


def run_in_memory(graph: Graph, engine: Literal["onnxruntime", "openvino"]) -> Runtime:
    """A predictor's graph, run here by another runtime without a file in between.

    Raises:
        ModelError: if the graph cannot be converted.
        MissingExtra: if onnx, onnxscript or the runtime is not installed.
    """
    from striate.inference.conversion import to_onnx, to_openvino

    place = Path(f"the graph for {engine}")
    if engine == "openvino":
        return OpenVino(to_openvino(graph), place, {})
    return OnnxRuntime(to_onnx(graph).SerializeToString(), place, {})
